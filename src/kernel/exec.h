// SPDX-License-Identifier: MIT
//
// The change of address space in execve (fs/exec.c).
#pragma once

#include "kernel/cpu.h"
#include "kernel/exit.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"
#include "kernel/preemptible.h"

namespace mmscale::kernel {

// exec_mmap(): the current task, alone in its address space, moves to `mm`, which nobody else uses yet. A
// user task leaves its old mm as a dying thread would, without ever being lazy on it; a kernel thread
// (call_usermodehelper) ends a lazy borrow.
template <class M>
void exec_mmap(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  using enum std::memory_order;
  Task<M>& task = *m.load(cpu.curr, relaxed);
  auto* const old_mm = task.mm.get(m);
  // membarrier_exec_mmap(): registrations end with the old program.
  m.fence();
  m.store(mm->membarrier_state, 0u, relaxed);
  cpu.membarrier_state = 0;

  m.irq_disable();
  auto* const active_mm = m.load(task.active_mm, relaxed);
  m.store(task.active_mm, mm, relaxed);
  task.mm.set(m, mm);
  // Without ARCH_WANT_IRQS_OFF_ACTIVATE_MM interrupts come on here and activate_mm turns them off by itself.
  // An interrupt in between finds a task that has the new mm and a CPU that has the old one.
  if (!cpu.system->rules.irqs_off_activate_mm.value_or(true)) {
    m.irq_enable();
    m.irq_disable();
  }
  if (old_mm == nullptr) use_prev(m, cpu, active_mm, "exec_mmap");
  cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, active_mm, mm);
  if (old_mm == nullptr) cpu.system->scheme.lazy_leave(m, cpu, active_mm);
  m.irq_enable();
  cpu.system->lifecycle.finish_arch_post_lock_switch(m, cpu, mm);
  expect_in_mask(m, cpu, mm, "exec_mmap: the CPU is not in its mm's mask");
  preemptible(m, cpu);

  if (old_mm != nullptr) {
    // BUG_ON(active_mm != old_mm)
    if constexpr (M::checking)
      if (active_mm != old_mm) report(m, cpu, Violation::assertion, "exec_mmap: active_mm is not the old mm");
    mmput(m, cpu, old_mm);
  } else {
    cpu.system->scheme.lazy_exit(m, cpu, active_mm, Site::exec_mmap);
  }
}

}  // namespace mmscale::kernel
