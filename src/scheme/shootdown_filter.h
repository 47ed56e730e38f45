// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/candidates.h"
#include "scheme/shootdown.h"

namespace mmscale::scheme {

// Shootdown that looks before it shoots: each CPU publishes the user mm it borrows in a line of its own, and
// the last drop interrupts only the CPUs of the mask that name this mm. Idea 3 in the comment over
// cleanup_lazy_tlbs (kernel/fork.c). All matches are interrupted in one round.
//
// Needs of the lifecycle: shootdown's mask.
//
// Memory order. lazy_mm is stored with release at both ends and loaded with acquire. At the end of a borrow,
// release puts this CPU's last use before the scanner's freeing. At the start it needs to order nothing for
// this borrow: it is visible because the borrower's own mmput, or its handing over the task, comes later and
// is a release. It is a release all the same, since a scanner may read this store instead of the earlier end
// of another borrow, and C++20 no longer lets a plain store carry that one on. On x86 all of them are plain
// moves; elsewhere stlr, lwsync. The fence on kernel -> user is shootdown's, for membarrier(2). A scanner
// that comes too early interrupts for nothing and no more: nobody begins to borrow an mm without users.
//
// x86: 1 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct ShootdownFilter : Shootdown {
  template <class M>
  struct PerCpu {
    // The user mm this CPU borrows. Written by this CPU only.
    Atomic<M, Mm<M>*> lazy_mm{nullptr};
  };

  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    if (borrows_user_mm(site)) m.store(scheme_state<PerCpu>(cpu).lazy_mm, mm, std::memory_order_release);
    return mm;
  }

  template <class M>
  MMSCALE_INLINE static void lazy_leave(M& m, Cpu<M>& cpu, Mm<M>*) {
    m.store(scheme_state<PerCpu>(cpu).lazy_mm, nullptr, std::memory_order_release);
  }

  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site) {
    PreemptOff<M> preempt(cpu);
    bool here = false;
    cpu.targets.clear();
    for_each_candidate(m, cpu, mm, [&](Cpu<M>& other) {
      if (m.load(scheme_state<PerCpu>(other).lazy_mm, std::memory_order_acquire) != mm) return;
      here |= add_target(m, cpu, other);
    });
    smp_call_function_many(m, cpu, cpu.targets, mm, do_shoot_lazy_tlb<M>, &Tally::ipis_shoot);
    if (here) call_here(m, cpu, [&] { shoot_self(m, mm); });
    return Reaped::free_now;
  }

  static constexpr SchemeInfo kInfo = {
      .name = "shootdown-filter",
      .summary = "shootdown of those CPUs in mm_cpumask that publish this mm as the one they borrow",
      .on_entry = "release store to a line of this CPU's own",
      .on_exit = "release store to that line, full barrier",
      .last_drop = "one acquire load per CPU of mm_cpumask, synchronous IPI to the matches",
      .origin = "idea 3 in the comment over cleanup_lazy_tlbs, Nicholas Piggin (2655421ae69f)",
      .upstream = "not implemented",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
