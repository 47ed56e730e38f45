// SPDX-License-Identifier: MIT
//
// A kernel thread that works in a user's address space for a while (kernel/kthread.c): io_uring, vhost, ...
#pragma once

#include "kernel/cpu.h"
#include "kernel/hooks.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"
#include "kernel/mm_life.h"

namespace mmscale::kernel {

// kthread_use_mm(): takes a real reference on `mm` and ends the lazy borrow, even where it is of the same mm,
// since the two kinds are not interchangeable. The caller keeps the address space alive (mm_users) until
// kthread_unuse_mm.
template <class K>
void kthread_use_mm(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  using enum std::memory_order;
  Task<K>& task = *m.load(cpu.curr, relaxed);
  mmgrab<K>(m, mm);
  m.irq_disable();
  auto* const active_mm = m.load(task.active_mm, relaxed);
  m.store(task.active_mm, mm, relaxed);
  task.mm = mm;
  cpu.membarrier_state = m.load(mm->membarrier_state, relaxed);  // membarrier_update_current_mm(mm)
  use_prev<K>(m, cpu, active_mm, "kthread_use_mm");
  K::Lifecycle::template switch_mm_irqs_off<K>(m, cpu, active_mm, mm);
  hooks::lazy_leave<K>(m, cpu, active_mm);
  m.irq_enable();
  expect_in_mask<K>(m, cpu, mm, "kthread_use_mm: the CPU is not in its mm's mask");
  // Also membarrier's full barrier between the store to tsk->mm and the first user access.
  hooks::lazy_exit<K, Site::kthread_use_mm>(m, cpu, active_mm);
}

// kthread_unuse_mm(): becomes a lazy borrower of the mm it used, then returns the real reference.
template <class K>
void kthread_unuse_mm(typename K::Machine& m, Cpu<K>& cpu) {
  using enum std::memory_order;
  Task<K>& task = *m.load(cpu.curr, relaxed);
  auto* const mm = task.mm;
  // task_lock(); smp_mb__after_spinlock(): membarrier's barrier before mm = NULL.
  m.fence();
  m.irq_disable();
  task.mm = nullptr;
  cpu.membarrier_state = 0;  // membarrier_update_current_mm(NULL)
  auto* const borrowed = hooks::lazy_enter<K, Site::kthread_unuse_mm>(m, cpu, mm);
  note_borrow<K>(m, cpu, borrowed);
  m.store(task.active_mm, borrowed, relaxed);
  K::Lifecycle::template enter_lazy_tlb<K>(m, cpu, borrowed);
  m.irq_enable();
  mmdrop<K, Site::kthread_unuse_mm>(m, cpu, mm);
}

}  // namespace mmscale::kernel
