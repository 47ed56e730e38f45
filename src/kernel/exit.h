// SPDX-License-Identifier: MIT
//
// The end of an address space: exit_mm (kernel/exit.c), mmput and exit_mmap (kernel/fork.c, mm/mmap.c).
#pragma once

#include "kernel/context_switch.h"
#include "kernel/cpu.h"
#include "kernel/hooks.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"
#include "kernel/mm_life.h"

namespace mmscale::kernel {

// exit_mmap(): tears the mappings down and flushes the TLBs a last time, as the architecture does it.
template <class K>
void exit_mmap(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  if (mm->has_page_tables) K::Lifecycle::template exit_flush<K>(m, cpu, mm);
}

// mmget(): one user more, by somebody who is one or knows that there is one.
template <class K>
void mmget(typename K::Machine& m, typename Task<K>::Mm* mm) {
  m.fetch_add(mm->mm_users, 1, std::memory_order_relaxed);
}

// mmput(): one thread fewer lives here; the last one takes the address space down and returns the struct
// reference that all threads owned together. True if this was the last. acq_rel, so that the last sees what
// the others did.
template <class K>
bool mmput(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  if (m.fetch_sub(mm->mm_users, 1, std::memory_order_acq_rel) != 1) return false;
  exit_mmap<K>(m, cpu, mm);
  hooks::users_gone<K>(m, cpu, mm);
  mmdrop<K, Site::mmput>(m, cpu, mm);
  return true;
}

// exit_mm(): the current thread leaves its address space and becomes a lazy borrower of it, so that the
// teardown in mmput still runs on these page tables. True if it was the last thread.
//
// The kernel takes the lazy reference before it turns interrupts off; here that happens inside, as Desnoyers'
// series moved it, because a hazard pointer must be published together with mm = NULL.
template <class K>
bool exit_mm(typename K::Machine& m, Cpu<K>& cpu) {
  using enum std::memory_order;
  Task<K>& task = *m.load(cpu.curr, relaxed);
  typename Task<K>::Mm* const mm = task.mm;
  if (mm == nullptr) return false;
  m.irq_disable();
  // task_lock(); smp_mb__after_spinlock(): membarrier's barrier before mm = NULL.
  m.fence();
  typename Task<K>::Mm* const borrowed = hooks::lazy_enter<K, Site::exit_mm>(m, cpu, mm);
  note_borrow<K>(m, cpu, borrowed);
  task.mm = nullptr;
  m.store(task.active_mm, borrowed, relaxed);
  cpu.membarrier_state = 0;  // membarrier_update_current_mm(NULL)
  K::Lifecycle::template enter_lazy_tlb<K>(m, cpu, borrowed);
  m.irq_enable();
  ++cpu.tally.exits;
  return mmput<K>(m, cpu, mm);
}

// do_exit() as far as it concerns us: exit_mm, then the last switch, to the idle task, which inherits the
// borrow. True if the process ended with this thread.
template <class K>
bool do_exit(typename K::Machine& m, Cpu<K>& cpu) {
  const bool last = exit_mm<K>(m, cpu);
  schedule<K>(m, cpu, cpu.idle);
  return last;
}

}  // namespace mmscale::kernel
