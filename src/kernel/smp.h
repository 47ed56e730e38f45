// SPDX-License-Identifier: MIT
//
// Cross-CPU calls over an mm_cpumask (kernel/smp.c).
#pragma once

#include <bit>

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/preempt.h"

namespace mmscale::kernel {

// Copies the CPUs that may hold `mm` into this CPU's scratch mask, without this CPU and without those
// offline, as smp_call_function_many does with cpu_online_mask: mm_cpumask, or every CPU where the
// architecture keeps none. Relaxed loads: a bit that matters was set before its CPU became a user of the mm,
// and the sender has since seen that user's mm_users or mm_count reach zero.
template <class K>
machine::CpuMask& other_cpus_of_mm(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  using enum std::memory_order;
  for (unsigned w = 0; w < cpu.targets.words(); ++w) {
    std::uint64_t bits = m.load(cpu.system->cpu_online_mask(w), relaxed);
    if constexpr (K::Lifecycle::kKeepsMask) bits &= m.load(mm->cpumask(w), relaxed);
    cpu.targets.set_word(w, bits);
  }
  cpu.targets.reset(m.cpu());
  return cpu.targets;
}

// Whether this CPU may hold `mm` itself.
template <class K>
bool this_cpu_of_mm(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  if constexpr (K::Lifecycle::kKeepsMask)
    return (m.load(mm->cpumask(cpu.mask_word), std::memory_order_relaxed) & cpu.mask_bit) != 0;
  else
    return true;
}

// cpu_online().
template <class K>
bool cpu_online(typename K::Machine& m, Cpu<K>& cpu) {
  return (m.load(cpu.system->cpu_online_mask(cpu.mask_word), std::memory_order_relaxed) & cpu.mask_bit) != 0;
}

// The number of a CPU.
template <class K>
unsigned cpu_number(const Cpu<K>& cpu) {
  return cpu.mask_word * machine::CpuMask::kBitsPerWord +
         static_cast<unsigned>(std::countr_zero(cpu.mask_bit));
}

// Takes this CPU out of mm_cpumask(mm), as its last access to the mm. Interrupts off.
template <class K>
void leave_mask(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  if constexpr (requires { K::Lifecycle::template leave_mask<K>(m, cpu, mm); })
    K::Lifecycle::template leave_mask<K>(m, cpu, mm);
  else if constexpr (K::Lifecycle::kKeepsMask)
    m.fetch_and(mm->cpumask(cpu.mask_word), ~cpu.mask_bit, std::memory_order_release);
}

// smp_call_function_many(targets, handler, mm, wait=1). `purpose` is the tally the queued requests are
// counted in.
template <class K>
void smp_call_function_many(typename K::Machine& m, Cpu<K>& cpu, const machine::CpuMask& targets,
                            typename Task<K>::Mm* mm, machine::IpiHandler<typename K::Machine> handler,
                            std::uint64_t Tally::*purpose) {
  expect_may_call_many<K>(m, cpu);
  cpu.tally.*purpose += targets.count();
  m.call_many(targets, handler, mm);
}

// smp_call_function_single(target, handler, mm, wait=1). False where the kernel refuses: the target is
// offline.
template <class K>
bool smp_call_function_single(typename K::Machine& m, Cpu<K>& cpu, Cpu<K>& target, typename Task<K>::Mm* mm,
                              machine::IpiHandler<typename K::Machine> handler,
                              std::uint64_t Tally::*purpose) {
  if (!cpu_online<K>(m, target)) return false;
  cpu.targets.clear();
  cpu.targets.set(cpu_number(target));
  smp_call_function_many<K>(m, cpu, cpu.targets, mm, handler, purpose);
  return true;
}

// The same to the CPUs that may hold `mm`: never to this one.
template <class K>
void smp_call_function_many(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm,
                            machine::IpiHandler<typename K::Machine> handler, std::uint64_t Tally::*purpose) {
  smp_call_function_many<K>(m, cpu, other_cpus_of_mm<K>(m, cpu, mm), mm, handler, purpose);
}

// on_each_cpu_mask(mm_cpumask(mm), ...): also on this CPU if its bit is set, as a plain call with interrupts
// off. The kernel makes that call between queueing and waiting; here it comes last, which only matters to the
// nanosecond.
template <class K>
void on_each_cpu_mask(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm,
                      machine::IpiHandler<typename K::Machine> handler,
                      void (*on_self)(typename K::Machine&, void*), std::uint64_t Tally::*purpose) {
  PreemptOff<K> preempt(cpu);
  smp_call_function_many<K>(m, cpu, mm, handler, purpose);
  if (this_cpu_of_mm<K>(m, cpu, mm)) {
    IrqSave irq(m);
    ++cpu.tally.ipis_local;
    on_self(m, mm);
  }
}

}  // namespace mmscale::kernel
