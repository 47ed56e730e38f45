// SPDX-License-Identifier: MIT
//
// A kernel thread that works in a user's address space for a while (kernel/kthread.c): io_uring, vhost, ...
#pragma once

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"
#include "kernel/mm_life.h"
#include "kernel/preemptible.h"

namespace mmscale::kernel {

// kthread_use_mm(): takes a real reference on `mm` and ends the lazy borrow, even where it is of the same mm,
// since the two kinds are not interchangeable. The caller keeps the address space alive (mm_users) until
// kthread_unuse_mm.
template <class M>
void kthread_use_mm(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  using enum std::memory_order;
  Task<M>& task = *m.load(cpu.curr, relaxed);
  mmgrab(m, cpu, mm);
  preemptible(m, cpu);
  m.irq_disable();
  auto* const active_mm = m.load(task.active_mm, relaxed);
  m.store(task.active_mm, mm, relaxed);
  task.mm.set(m, mm);
  cpu.membarrier_state = m.load(mm->membarrier_state, relaxed);  // membarrier_update_current_mm(mm)
  use_prev(m, cpu, active_mm, "kthread_use_mm");
  cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, active_mm, mm);
  cpu.system->scheme.lazy_leave(m, cpu, active_mm);
  m.irq_enable();
  cpu.system->lifecycle.finish_arch_post_lock_switch(m, cpu, mm);
  expect_in_mask(m, cpu, mm, "kthread_use_mm: the CPU is not in its mm's mask");
  preemptible(m, cpu);
  // Also membarrier's full barrier between the store to tsk->mm and the first user access.
  cpu.system->scheme.lazy_exit(m, cpu, active_mm, Site::kthread_use_mm);
}

// kthread_unuse_mm(): becomes a lazy borrower of the mm it used, then returns the real reference.
template <class M>
void kthread_unuse_mm(M& m, Cpu<M>& cpu) {
  using enum std::memory_order;
  Task<M>& task = *m.load(cpu.curr, relaxed);
  auto* const mm = task.mm.get(m);
  // task_lock(); smp_mb__after_spinlock(): membarrier's barrier before mm = NULL.
  m.fence();
  m.irq_disable();
  task.mm.set(m, nullptr);
  cpu.membarrier_state = 0;  // membarrier_update_current_mm(NULL)
  auto* const borrowed = begin_borrow<ByTable>(m, cpu, mm, Site::kthread_unuse_mm);
  note_borrow(m, cpu, borrowed);
  m.store(task.active_mm, borrowed, relaxed);
  cpu.system->lifecycle.enter_lazy_tlb(m, cpu, borrowed);
  m.irq_enable();
  preemptible(m, cpu);
  mmdrop(m, cpu, mm, Site::kthread_unuse_mm);
}

}  // namespace mmscale::kernel
