// SPDX-License-Identifier: MIT
//
// Cross-CPU calls over an mm_cpumask (kernel/smp.c).
#pragma once

#include "kernel/cpu.h"
#include "kernel/irq.h"

namespace mmscale::kernel {

// Copies mm_cpumask(mm) into this CPU's scratch mask, without this CPU. Relaxed loads: a bit that matters was set
// before its CPU became a user of the mm, and the sender has since seen that user's mm_users or mm_count reach zero.
template <class K>
machine::CpuMask& other_cpus_of_mm(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  for (unsigned w = 0; w < cpu.targets.words(); ++w)
    cpu.targets.set_word(w, m.load(mm->cpumask(w), std::memory_order_relaxed));
  cpu.targets.reset(m.cpu());
  return cpu.targets;
}

// smp_call_function_many(mm_cpumask(mm), handler, mm, wait=1): never on this CPU. `purpose` is the tally the queued
// requests are counted in.
template <class K>
void smp_call_function_many(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm,
                            machine::IpiHandler<typename K::Machine> handler, std::uint64_t Tally::*purpose) {
  machine::CpuMask& targets = other_cpus_of_mm<K>(m, cpu, mm);
  cpu.tally.*purpose += targets.count();
  m.call_many(targets, handler, mm);
}

// on_each_cpu_mask(mm_cpumask(mm), ...): also on this CPU if its bit is set, as a plain call with interrupts off. The
// kernel makes that call between queueing and waiting; here it comes last, which only matters to the nanosecond.
template <class K>
void on_each_cpu_mask(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm,
                      machine::IpiHandler<typename K::Machine> handler, void (*on_self)(typename K::Machine&, void*),
                      std::uint64_t Tally::*purpose) {
  smp_call_function_many<K>(m, cpu, mm, handler, purpose);
  if ((m.load(mm->cpumask(cpu.mask_word), std::memory_order_relaxed) & cpu.mask_bit) != 0) {
    IrqSave irq(m);
    ++cpu.tally.ipis_local;
    on_self(m, mm);
  }
}

}  // namespace mmscale::kernel
