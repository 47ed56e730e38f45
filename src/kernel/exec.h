// SPDX-License-Identifier: MIT
//
// The change of address space in execve (fs/exec.c).
#pragma once

#include "kernel/cpu.h"
#include "kernel/exit.h"
#include "kernel/hooks.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"

namespace mmscale::kernel {

// exec_mmap(): the current task, alone in its address space, moves to `mm`, which nobody else uses yet. A
// user task leaves its old mm as a dying thread would, without ever being lazy on it; a kernel thread
// (call_usermodehelper) ends a lazy borrow.
template <class K>
void exec_mmap(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  using enum std::memory_order;
  Task<K>& task = *m.load(cpu.curr, relaxed);
  auto* const old_mm = task.mm;
  // membarrier_exec_mmap(): registrations end with the old program.
  m.fence();
  m.store(mm->membarrier_state, 0u, relaxed);
  cpu.membarrier_state = 0;

  m.irq_disable();
  auto* const active_mm = m.load(task.active_mm, relaxed);
  m.store(task.active_mm, mm, relaxed);
  task.mm = mm;
  // Without ARCH_WANT_IRQS_OFF_ACTIVATE_MM interrupts come on here and activate_mm turns them off by itself.
  // An interrupt in between finds a task that has the new mm and a CPU that has the old one.
  if (!cpu.system->rules.irqs_off_activate_mm) {
    m.irq_enable();
    m.irq_disable();
  }
  if (old_mm == nullptr) use_prev<K>(m, cpu, active_mm, "exec_mmap");
  K::Lifecycle::template switch_mm_irqs_off<K>(m, cpu, active_mm, mm);
  if (old_mm == nullptr) hooks::lazy_leave<K>(m, cpu, active_mm);
  m.irq_enable();
  expect_in_mask<K>(m, cpu, mm, "exec_mmap: the CPU is not in its mm's mask");

  if (old_mm != nullptr) {
    // BUG_ON(active_mm != old_mm)
    if constexpr (K::Machine::checking)
      if (active_mm != old_mm)
        report<K>(m, cpu, Violation::assertion, "exec_mmap: active_mm is not the old mm");
    mmput<K>(m, cpu, old_mm);
  } else {
    hooks::lazy_exit<K, Site::exec_mmap>(m, cpu, active_mm);
  }
}

}  // namespace mmscale::kernel
