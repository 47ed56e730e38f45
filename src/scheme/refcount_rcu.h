// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/rcu_callbacks.h"
#include "scheme/refcount.h"

namespace mmscale::scheme {

// Refcount whose last drop in finish_task_switch does not free: the mm goes to an RCU callback, since
// PREEMPT_RT cannot afford __mmdrop with preemption off (mmdrop_sched, mm->delayed_drop in
// include/linux/sched/mm.h). Only that drop is deferred; mmput's, and those of whoever else held a reference,
// free at once. Nothing needs the grace period itself: it is a place to run later, and the memory is held
// back that long.
//
// Callbacks run on the CPU that dropped. On silicon the grace period is liburcu's (QSBR), whose own unpinned
// thread only notes that it has passed. A CPU with 1,024 of them waits for the next one, which the kernel
// would not do.
//
// Needs of the lifecycle: nothing.
//
// Memory order: refcount's. The callback runs on the CPU whose drop was the last, so what it acquired stays
// acquired. Reporting a quiescent state is a load of RCU's own line, and two barriers when a grace period is
// under way.
//
// x86: 2 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct RefcountRcu : Refcount {
  static constexpr bool kUsesRcu = true;

  template <class M>
  using PerCpu = RcuCallbacks<M>;
  static constexpr unsigned kHeldBackPerCpu = kMostRcuCallbacks;

  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    if (site != Site::context_switch) return Reaped::free_now;
    call_rcu_free(m, cpu, scheme_state<PerCpu>(cpu), mm);
    return Reaped::deferred;
  }

  template <class M>
  static void drain(M& m, Cpu<M>& cpu, Drain when) {
    if (when == Drain::end)
      rcu_barrier(m, cpu, scheme_state<PerCpu>(cpu));
    else
      rcu_advance(m, cpu, scheme_state<PerCpu>(cpu));
  }

  static constexpr SchemeInfo kInfo = {
      .name = "refcount-rcu",
      .summary = "refcount whose last drop in a context switch frees from an RCU callback",
      .on_entry = "atomic inc of mm_count",
      .on_exit = "atomic dec_and_test of mm_count, a full barrier",
      .last_drop = "in a context switch: call_rcu; elsewhere whoever drops last frees",
      .origin = "mainline for PREEMPT_RT: mmdrop_sched, mm->delayed_drop",
      .upstream = "mainline with PREEMPT_RT",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
