// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/shootdown_filter.h"

namespace mmscale::scheme {

// Shootdown-filter that does not trust mm_cpumask: it loads every possible CPU's line. O(CPUs) per dead mm,
// and in return right where the mask is not: under x86, whose flushes clear bits of CPUs that still borrow,
// and under arm64, which keeps no mask.
//
// Needs of the lifecycle: an active_mm that its own CPU can trust (irqs_off_activate_mm); nothing of the
// mask.
//
// Memory order: shootdown-filter's.
struct ShootdownFilterAll : ShootdownFilter {
  static constexpr Candidates kCandidates = Candidates::all;

  // Of every scheme that finds borrowers by what all CPUs publish, and interrupts them.
  static constexpr Safety kSafety[] = {
      {"*", true, "every borrower publishes the mm until its last use of it; no mask is needed",
       kIrqsOffActivateMm},
      {"x86-*", true, "what is published goes with active_mm, whatever flushes do to loaded_mm and the mask",
       kIrqsOffActivateMm},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "shootdown-filter-all",
      .summary = "shootdown of those CPUs, of all possible ones, that publish this mm as the one they borrow",
      .on_entry = "release store to a line of this CPU's own",
      .on_exit = "release store to that line, full barrier",
      .last_drop = "one acquire load per possible CPU, synchronous IPI to the matches",
      .origin = "idea 3 in the comment over cleanup_lazy_tlbs, over all CPUs as hazptr scans",
      .upstream = "not implemented",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
