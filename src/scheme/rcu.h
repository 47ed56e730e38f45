// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/rcu_callbacks.h"
#include "scheme/info.h"

namespace mmscale::scheme {

// No tracking; a dead mm is freed after an RCU grace period, on the theory that the borrower would be covered
// until it switches (Matthew Wilcox, 2020-12-03). Unsafe, for two reasons that RCU would have to unlearn: a
// kernel -> kernel switch is a quiescent state and the borrow goes on behind it, and idle, where lazy CPUs
// mostly are, is one long quiescent state (Andy Lutomirski's answer, 2021-06-16). It also lacks membarrier's
// full barrier on kernel -> user.
//
// Needs of the lifecycle: nothing that one could give.
//
// Memory order: a quiescent state is a full barrier on its CPU, and the grace period's end acquires all of
// them; that would be enough if the borrow ended before.
//
// x86: 0 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct Rcu : DefaultScheme {
  static constexpr bool kUsesRcu = true;

  template <class M>
  using PerCpu = RcuCallbacks<M>;
  static constexpr unsigned kHeldBackPerCpu = kMostRcuCallbacks;

  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site) {
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

  static constexpr Safety kSafety[] = {
      {"*", false, "a grace period passes while a CPU idles on, lazy on the mm"},
      {"x86-*", false, "a grace period passes while active_mm still names the mm"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "rcu",
      .summary = "free a dead mm after an RCU grace period, and count nothing",
      .on_entry = "nothing",
      .on_exit = "nothing",
      .last_drop = "call_rcu; freed after a grace period, whoever may still borrow",
      .origin = "Matthew Wilcox, 2020-12-03; refuted by Andy Lutomirski, 2021-06-16",
      .upstream = "an idea",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
