// SPDX-License-Identifier: MIT
//
// context_switch() and finish_task_switch() (kernel/sched/core.c): the four cases between user tasks and
// kernel threads, and the drop of a lazy borrow put off until the switch is over.
#pragma once

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"
#include "kernel/path.h"
#include "kernel/preempt.h"

namespace mmscale::kernel {

// membarrier_switch_mm() (kernel/sched/sched.h): copies the next mm's registration to the rq where it
// differs. `prev_mm` is only compared.
template <class M>
MMSCALE_INLINE void membarrier_switch_mm(M& m, Cpu<M>& cpu, Mm<M>* prev_mm, Mm<M>* next_mm) {
  if (prev_mm == next_mm) return;
  const std::uint32_t state = m.load(next_mm->membarrier_state, std::memory_order_relaxed);
  if (cpu.membarrier_state != state) cpu.membarrier_state = state;
}

// switch_mm_cid() (kernel/sched/sched.h, 6.4 until mm_cid was rewritten, late in 2025): full barriers between the store to
// rq->curr and the loads of the per-mm concurrency ids, where nothing else in the switch already is one.
template <class Path, class M>
MMSCALE_INLINE void switch_mm_cid(M& m, Cpu<M>& cpu, Task<M>& prev, Task<M>& next) {
  Mm<M>* const next_mm = next.mm.get(m);
  if (next_mm == nullptr) {
    // user -> kernel leans on the grab being an atomic (smp_mb__after_mmgrab); who counts nothing must pay in
    // full.
    if (prev.mm.get(m) != nullptr) {
      const EnterBarrier is = Path::scheme(cpu).enter_barrier;
      if (is == EnterBarrier::rmw)
        m.fence_after_rmw();
      else if (is == EnterBarrier::none)
        m.fence();
    }
  } else if (prev.mm.get(m) == nullptr) {
    m.fence();
  } else if (!Path::lifecycle(cpu).switch_mm_is_full_barrier) {
    // smp_mb__after_switch_mm(), whether the mm changed or not.
    m.fence();
  }
  prev.mm_cid = 0;
  if (next_mm != nullptr) next.mm_cid = m.load(next_mm->pcpu_cid, std::memory_order_relaxed);
}

// finish_task_switch(): runs as the next task, on the same CPU. Interrupts come back on, then the borrow that
// ended is returned: under the rq lock a last drop could deadlock, so the kernel waits until here.
template <class Path, class M>
MMSCALE_INLINE void finish_task_switch(M& m, Cpu<M>& cpu, Task<M>& prev, Task<M>& next) {
  using enum std::memory_order;
  Mm<M>* const mm = cpu.prev_mm;
  cpu.prev_mm = nullptr;
  // finish_task(): from here another CPU may take prev; release hands over all it did (pairs with the acquire
  // of whoever waits for on_cpu to clear).
  m.store(prev.on_cpu, 0u, release);
  if (Path::options(cpu).rq_lock) m.store(cpu.rq_lock, 0u, release);
  m.irq_enable();
  // preempt_count() is 2 until finish_task_switch's end.
  PreemptOff<M> preempt(cpu);
  Path::finish_arch_post_lock_switch(m, cpu, next.mm.known());
  if constexpr (M::checking)
    if (next.mm.known() != nullptr)
      expect_in_mask(m, cpu, next.mm.known(), "context_switch: the CPU is not in its mm's mask");
  if (mm != nullptr) Path::lazy_exit(m, cpu, mm, Site::context_switch);
  Path::switched(m, cpu);
}

// __schedule()'s part behind the choice of `next`, and context_switch(). Called with interrupts on; `next`
// must not be running elsewhere. Forced inline, since it is the thing measured. `Path` says how the scheme and the
// lifecycle are called (path.h).
template <class Path, class M>
MMSCALE_INLINE void context_switch(M& m, Cpu<M>& cpu, Task<M>& next) {
  using enum std::memory_order;
  m.irq_disable();
  rcu::note_context_switch<Path>(m, cpu);
  // rq_lock(); smp_mb__after_spinlock(): membarrier's barrier before the store to rq->curr. The exchange is
  // on a line of this CPU's own: nobody else takes the lock here, so it never waits.
  if (Path::options(cpu).rq_lock) {
    m.exchange(cpu.rq_lock, 1u, acquire);
    m.fence_after_rmw();
  }
  Task<M>& prev = *m.load(cpu.curr, relaxed);
  m.store(next.on_cpu, 1u, relaxed);
  m.store(cpu.curr, &next, relaxed);

  Mm<M>* const active = m.load(prev.active_mm, relaxed);
  Mm<M>* const next_mm = next.mm.get(m);
  if (next_mm == nullptr) {
    Path::enter_lazy_tlb(m, cpu, active);
    if (prev.mm.get(m) != nullptr) {
      // user -> kernel: the borrow begins.
      Mm<M>* const borrowed = begin_borrow<Path>(m, cpu, active, Site::context_switch);
      note_borrow(m, cpu, borrowed);
      m.store(next.active_mm, borrowed, relaxed);
    } else {
      // kernel -> kernel: the borrow changes hands.
      m.store(next.active_mm, active, relaxed);
      m.store(prev.active_mm, nullptr, relaxed);
    }
  } else {
    Mm<M>* const seen = Path::scheme(cpu).has_active_mm ? active : nullptr;
    if constexpr (M::checking)
      if (prev.mm.get(m) == nullptr && seen != nullptr)
        compare_borrow(m, cpu, active, next_mm, "membarrier_switch_mm");
    membarrier_switch_mm(m, cpu, seen, next_mm);
    if constexpr (M::checking)
      if (prev.mm.get(m) == nullptr) use_prev(m, cpu, active, "switch_mm's prev");
    Path::switch_mm_irqs_off(m, cpu, active, next_mm);
    if (prev.mm.get(m) == nullptr) {
      // kernel -> user: the borrow ends.
      Path::lazy_leave(m, cpu, active);
      cpu.prev_mm = active;
      m.store(prev.active_mm, nullptr, relaxed);
    }
  }
  if (Path::options(cpu).mm_cid == MmCid::v6_4) switch_mm_cid<Path>(m, cpu, prev, next);
  // __switch_to(), whose one effect on other CPUs is arm64's dsb(ish).
  if (Path::lifecycle(cpu).switch_to_is_full_barrier) m.fence();
  finish_task_switch<Path>(m, cpu, prev, next);
}

// The same as a function, for whoever switches now and then and not in the measured loop: by the system's tables.
template <class M>
__attribute__((noinline)) void schedule(M& m, Cpu<M>& cpu, Task<M>& next) {
  context_switch<ByTable>(m, cpu, next);
}

}  // namespace mmscale::kernel
