// SPDX-License-Identifier: MIT
//
// The end of an address space: exit_mm (kernel/exit.c), mmput and exit_mmap (kernel/fork.c, mm/mmap.c).
#pragma once

#include "kernel/context_switch.h"
#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"
#include "kernel/mm_life.h"
#include "kernel/preemptible.h"

namespace mmscale::kernel {

// exit_mmap(): tears the mappings down and flushes the TLBs, as the architecture does it: a last time, and before that
// whenever a batch of page tables is full.
template <class M>
void exit_mmap(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  for (unsigned n = 0; n < mm->exit_flushes; ++n) {
    preemptible(m, cpu);
    cpu.system->lifecycle.exit_flush(m, cpu, mm);
  }
}

// mmget(): one user more, by somebody who is one or knows that there is one.
template <class M>
void mmget(M& m, Mm<M>* mm) {
  m.fetch_add(mm->mm_users, 1, std::memory_order_relaxed);
}

// mmput(): one thread fewer lives here; the last one takes the address space down and returns the struct
// reference that all threads owned together. True if this was the last. acq_rel, so that the last sees what
// the others did.
template <class M>
bool mmput(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  if (m.fetch_sub(mm->mm_users, 1, std::memory_order_acq_rel) != 1) return false;
  exit_mmap(m, cpu, mm);
  cpu.system->scheme.users_gone(m, cpu, mm);
  preemptible(m, cpu);
  mmdrop(m, cpu, mm, Site::mmput);
  return true;
}

// exit_mm(): the current thread leaves its address space and becomes a lazy borrower of it, so that the
// teardown in mmput still runs on these page tables. True if it was the last thread.
//
// The kernel takes the lazy reference before it turns interrupts off; here that happens inside, as Desnoyers'
// series moved it, because a hazard pointer must be published together with mm = NULL.
template <class M>
bool exit_mm(M& m, Cpu<M>& cpu) {
  using enum std::memory_order;
  Task<M>& task = *m.load(cpu.curr, relaxed);
  Mm<M>* const mm = task.mm.get(m);
  if (mm == nullptr) return false;
  m.irq_disable();
  // task_lock(); smp_mb__after_spinlock(): membarrier's barrier before mm = NULL.
  m.fence();
  Mm<M>* const borrowed = begin_borrow<ByTable>(m, cpu, mm, Site::exit_mm);
  note_borrow(m, cpu, borrowed);
  task.mm.set(m, nullptr);
  m.store(task.active_mm, borrowed, relaxed);
  cpu.membarrier_state = 0;  // membarrier_update_current_mm(NULL)
  cpu.system->lifecycle.enter_lazy_tlb(m, cpu, borrowed);
  m.irq_enable();
  preemptible(m, cpu);
  ++cpu.tally.exits;
  return mmput(m, cpu, mm);
}

// do_exit() as far as it concerns us: exit_mm, then the last switch, to the idle task, which inherits the
// borrow. True if the process ended with this thread.
template <class M>
bool do_exit(M& m, Cpu<M>& cpu) {
  const bool last = exit_mm(m, cpu);
  schedule(m, cpu, cpu.idle);
  return last;
}

}  // namespace mmscale::kernel
