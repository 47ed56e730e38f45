// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/refcount.h"

namespace mmscale::scheme {

// Refcount with mm_count where it was before c1753fd02a00: in the line of pgd, membarrier_state, mm_users and
// pcpu_cid, which every switch to the mm reads. Same operations and orders; the difference is false sharing,
// so it shows only where other CPUs switch too.
struct RefcountPacked : Refcount {
  static constexpr kernel::MmLayout kLayout = kernel::MmLayout::packed;

  static constexpr SchemeInfo kInfo = {
      .name = "refcount-packed",
      .summary = "refcount with mm_count sharing its line with what every switch reads",
      .on_entry = "atomic inc of mm_count",
      .on_exit = "atomic dec_and_test of mm_count, a full barrier",
      .last_drop = "whoever drops last frees",
      .origin = "mainline before c1753fd02a00 (2023), \"mm: Move mm_count into its own cache line\"",
      .upstream = "mainline up to 6.4",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
