// SPDX-License-Identifier: MIT
//
// A CPU goes offline and comes back (kernel/cpu.c, kernel/sched/core.c). Each function runs on the CPU
// concerned, but for finish_cpu. The user tasks have been moved away before: the CPU runs a kernel thread, in
// the end its idle task.
#pragma once

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"
#include "kernel/nohz.h"

namespace mmscale::kernel {

// sched_force_init_mm(), called by sched_cpu_wait_empty() since 21641bd9a7a7: the borrow ends while the CPU
// is still online and in every mask it belongs in.
template <class M>
void sched_force_init_mm(M& m, Cpu<M>& cpu) {
  using enum std::memory_order;
  Task<M>& task = *m.load(cpu.curr, relaxed);
  auto* const init_mm = &cpu.system->init_mm;
  auto* const mm = m.load(task.active_mm, relaxed);
  const std::uint32_t life = cpu.borrowed_generation;
  if (mm == init_mm) return;
  m.irq_disable();
  use_prev(m, cpu, mm, life, "sched_force_init_mm");
  cpu.system->scheme.lazy_enter(m, cpu, init_mm, Site::sched_force_init_mm);
  note_borrow(m, cpu, init_mm);
  m.store(task.active_mm, init_mm, relaxed);
  cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, mm, init_mm);
  cpu.system->scheme.lazy_leave(m, cpu, mm);
  m.irq_enable();
  cpu.system->lifecycle.finish_arch_post_lock_switch(m, cpu, nullptr);
  cpu.system->scheme.lazy_exit(m, cpu, mm, Site::sched_force_init_mm);
}

// take_cpu_down() -> __cpu_disable(): off cpu_online_mask, so that no IPI is sent here any more, and out of
// the masks where the architecture does that. The kernel stops all other CPUs meanwhile (stop_machine);
// requests they queued before are served (smpcfd_dying_cpu), here by the CPU's going on taking interrupts. Release stands
// for that stop: who finds the bit gone is behind all that this CPU did.
template <class M>
void take_cpu_down(M& m, Cpu<M>& cpu) {
  IrqSave irq(m);
  m.fetch_and(cpu.system->cpu_online_mask(cpu.mask_word), ~cpu.mask_bit, std::memory_order_release);
  cpu.system->lifecycle.cpu_disable(m, cpu);
}

// idle_task_exit(), called by arch_cpu_idle_dead(): the dead CPU leaves the page tables it has loaded. Before
// 21641bd9a7a7 these may be a user's, whose mm was out of reach of every IPI since take_cpu_down; active_mm
// goes on pointing at it until finish_cpu.
template <class M>
void idle_task_exit(M& m, Cpu<M>& cpu) {
  using enum std::memory_order;
  auto* const init_mm = &cpu.system->init_mm;
  auto* const mm = m.load(cpu.idle.active_mm, relaxed);
  if (mm == init_mm) return;
  IrqSave irq(m);
  use_prev(m, cpu, mm, "idle_task_exit");
  cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, mm, init_mm);
  cpu.system->scheme.lazy_leave(m, cpu, mm);
}

// finish_cpu(), on the CPU that gave the order: the borrow of the dead CPU's idle task is returned on its
// behalf.
template <class M>
void finish_cpu(M& m, Cpu<M>& control, Cpu<M>& dead) {
  using enum std::memory_order;
  auto* const init_mm = &control.system->init_mm;
  auto* const mm = m.load(dead.idle.active_mm, relaxed);
  // BUG_ON(mm != &init_mm), since 21641bd9a7a7.
  if constexpr (M::checking)
    if (control.system->rules.hotplug == Hotplug::after && mm != init_mm)
      report(m, control, Violation::assertion, "finish_cpu: the dead CPU borrows a user mm");
  m.store(dead.idle.active_mm, init_mm, relaxed);
  control.system->scheme.lazy_exit(m, control, mm, Site::finish_cpu);
}

// start_secondary(): back online, lazy on init_mm.
template <class M>
void start_secondary(M& m, Cpu<M>& cpu) {
  using enum std::memory_order;
  auto* const init_mm = &cpu.system->init_mm;
  IrqSave irq(m);
  cpu.system->scheme.lazy_enter(m, cpu, init_mm, Site::start_secondary);
  note_borrow(m, cpu, init_mm);
  m.store(cpu.idle.active_mm, init_mm, relaxed);
  m.fetch_or(cpu.system->cpu_online_mask(cpu.mask_word), cpu.mask_bit, release);
}

// cpu_down() as far as the CPU itself carries it out, from its idle task.
template <class M>
void cpu_down(M& m, Cpu<M>& cpu) {
  nohz_balance_exit_idle(m, cpu);
  if (cpu.system->rules.hotplug == Hotplug::after) sched_force_init_mm(m, cpu);
  take_cpu_down(m, cpu);
  idle_task_exit(m, cpu);
  cpu.system->scheme.switched(m, cpu);
}

}  // namespace mmscale::kernel
