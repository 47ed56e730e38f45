// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/refcount.h"

namespace mmscale::scheme {

// Refcount with mm_count where it was before c1753fd02a00: in the line of pgd, membarrier_state, mm_users and
// pcpu_cid, which every switch to the mm reads. Same operations and orders; the difference is false sharing,
// so it shows only where other CPUs switch too.
//
// x86: 2 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct RefcountPacked : Refcount {
  static constexpr MmLayout kLayout = MmLayout::packed;

  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    mmgrab_lazy_tlb<kLayout>(m, cpu, mm, site);
    return mm;
  }

  template <class M>
  MMSCALE_INLINE static void lazy_exit(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    mmdrop_lazy_tlb<kLayout>(m, cpu, mm, site);
  }

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
