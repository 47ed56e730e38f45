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
struct Rcu {
  static constexpr kernel::MmLayout kLayout = kernel::MmLayout::isolated;
  static constexpr bool kCounted = false;
  static constexpr bool kRidesExitFlush = false;
  static constexpr bool kUsesRcu = true;

  template <class K>
  using PerCpu = kernel::RcuCallbacks<K>;
  static constexpr unsigned kHeldBackPerCpu = kernel::kMostRcuCallbacks;

  template <class K, kernel::Site kSite>
  static kernel::Reaped reap(typename K::Machine& m, kernel::Cpu<K>& cpu, typename kernel::Task<K>::Mm* mm) {
    kernel::call_rcu_free<K>(m, cpu, cpu.scheme, mm);
    return kernel::Reaped::deferred;
  }

  template <class K>
  static void drain(typename K::Machine& m, kernel::Cpu<K>& cpu, kernel::Drain when) {
    if (when == kernel::Drain::end)
      kernel::rcu_barrier<K>(m, cpu, cpu.scheme);
    else
      kernel::rcu_advance<K>(m, cpu, cpu.scheme);
  }

  static constexpr Safety kSafety[] = {
      {"powerpc", false, "a grace period passes while a CPU idles on, lazy on the mm"},
      {"powerpc-hash", false, "a grace period passes while a CPU idles on, lazy on the mm"},
      {"x86-2017", false, "a grace period passes while active_mm still names the mm"},
      {"x86-2024", false, "a grace period passes while active_mm still names the mm"},
      {"x86-noflush", false, "a grace period passes while a CPU that no flush reached has the mm loaded"},
      {"arm64", false, "a grace period passes while a CPU idles on, lazy on the mm"},
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
