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
// architecture keeps none. Relaxed loads of the mm's mask: a bit that matters was set before its CPU became a user of
// the mm, and the sender has since seen that user's mm_users or mm_count reach zero. Of cpu_online_mask acquire: who
// finds a CPU gone is behind all that it did, since the kernel stops all CPUs (stop_machine) before one leaves.
template <class M>
machine::CpuMask& other_cpus_of_mm(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  using enum std::memory_order;
  for (unsigned w = 0; w < cpu.targets.words(); ++w) {
    std::uint64_t bits = m.load(cpu.system->cpu_online_mask(w), acquire);
    if (cpu.system->lifecycle.keeps_mask) bits &= m.load(mm->cpumask(w), relaxed);
    cpu.targets.set_word(w, bits);
  }
  cpu.targets.reset(m.cpu());
  return cpu.targets;
}

// Whether this CPU may hold `mm` itself.
template <class M>
bool this_cpu_of_mm(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  return !cpu.system->lifecycle.keeps_mask ||
         (m.load(mm->cpumask(cpu.mask_word), std::memory_order_relaxed) & cpu.mask_bit) != 0;
}

// cpu_online(). Acquire as above.
template <class M>
bool cpu_online(M& m, Cpu<M>& cpu) {
  return (m.load(cpu.system->cpu_online_mask(cpu.mask_word), std::memory_order_acquire) & cpu.mask_bit) != 0;
}

// The number of a CPU.
template <class M>
unsigned cpu_number(const Cpu<M>& cpu) {
  return cpu.mask_word * machine::CpuMask::kBitsPerWord +
         static_cast<unsigned>(std::countr_zero(cpu.mask_bit));
}

// Whether `other` is this CPU; any other that is online becomes a target.
template <class M>
bool add_target(M& m, Cpu<M>& cpu, Cpu<M>& other) {
  if (&other == &cpu) return true;
  if (cpu_online(m, other)) cpu.targets.set(cpu_number(other));
  return false;
}

// What this CPU does itself where it is a target too: a plain call, interrupts off, and no IPI.
template <class M, class Body>
void call_here(M& m, Cpu<M>& cpu, Body&& body) {
  IrqSave irq(m);
  ++cpu.tally.ipis_local;
  body();
}

// Takes this CPU out of mm_cpumask(mm), as its last access to the mm. Interrupts off.
template <class M>
MMSCALE_COLD void leave_mask(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  cpu.system->lifecycle.leave_mask(m, cpu, mm);
}

// smp_call_function_many(targets, handler, mm, wait=1). `purpose` is the tally the queued requests are
// counted in.
template <class M>
void smp_call_function_many(M& m, Cpu<M>& cpu, const machine::CpuMask& targets, Mm<M>* mm,
                            std::type_identity_t<machine::IpiHandler<M>> handler,
                            std::uint64_t Tally::*purpose) {
  expect_may_call_many(m, cpu);
  cpu.tally.*purpose += targets.count();
  m.call_many(targets, handler, mm);
}

// smp_call_function_single(target, handler, mm, wait=1). False where the kernel refuses: the target is
// offline.
template <class M>
bool smp_call_function_single(M& m, Cpu<M>& cpu, Cpu<M>& target, Mm<M>* mm,
                              std::type_identity_t<machine::IpiHandler<M>> handler,
                              std::uint64_t Tally::*purpose) {
  if (!cpu_online(m, target)) return false;
  cpu.targets.clear();
  cpu.targets.set(cpu_number(target));
  smp_call_function_many(m, cpu, cpu.targets, mm, handler, purpose);
  return true;
}

// The same to the CPUs that may hold `mm`: never to this one.
template <class M>
void smp_call_function_many(M& m, Cpu<M>& cpu, Mm<M>* mm,
                            std::type_identity_t<machine::IpiHandler<M>> handler,
                            std::uint64_t Tally::*purpose) {
  smp_call_function_many(m, cpu, other_cpus_of_mm(m, cpu, mm), mm, handler, purpose);
}

// on_each_cpu_mask(mm_cpumask(mm), ...): also on this CPU if its bit is set, as a plain call with interrupts
// off. The kernel makes that call between queueing and waiting; here it comes last, which only matters to the
// nanosecond.
template <class M>
void on_each_cpu_mask(M& m, Cpu<M>& cpu, Mm<M>* mm, std::type_identity_t<machine::IpiHandler<M>> handler,
                      void (*on_self)(M&, void*), std::uint64_t Tally::*purpose) {
  PreemptOff<M> preempt(cpu);
  smp_call_function_many(m, cpu, mm, handler, purpose);
  if (this_cpu_of_mm(m, cpu, mm)) call_here(m, cpu, [&] { on_self(m, mm); });
}

}  // namespace mmscale::kernel
