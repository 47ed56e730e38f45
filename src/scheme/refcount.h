// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/mm_life.h"
#include "scheme/info.h"

namespace mmscale::scheme {

// Every lazy borrow is a reference in mm_count: one atomic_inc when it begins, one atomic_dec_and_test after
// it ended (MMU_LAZY_TLB_REFCOUNT; mmgrab_lazy_tlb, mmdrop_lazy_tlb in include/linux/sched/mm.h). Both are on
// one line per mm, which every CPU of a threaded program that idles has to own twice per round trip.
//
// Memory order. The grab is relaxed: prev's own reference keeps the mm alive meanwhile. The drop is fully
// ordered: its release part puts this CPU's last use of the mm before the freeing, its acquire part puts the
// freeing after everybody else's, and membarrier(2) needs the full barrier between the store to rq->curr and
// user code. On weakly ordered machines both are LL/SC or far atomics; the drop carries the barriers there.
//
// x86: 2 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct Refcount : DefaultScheme {
  static constexpr bool kCounted = true;
  static constexpr EnterBarrier kEnterBarrier = EnterBarrier::rmw;

  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    mmgrab_lazy_tlb(m, cpu, mm, site);
    return mm;
  }

  template <class M>
  MMSCALE_INLINE static void lazy_exit(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    mmdrop_lazy_tlb(m, cpu, mm, site);
  }

  static constexpr Safety kSafety[] = {
      {"*", true, "a CPU that is lazy on an mm owns one of its references; no mask and no flush is needed"},
      {"powerpc", true, "a CPU that is lazy on an mm owns one of its references; trimming returns it"},
      {"x86-*", true, "the reference goes with active_mm, whatever flushes do to loaded_mm and the mask"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "refcount",
      .summary = "each lazy borrow counts in mm_count, alone in its cache line",
      .on_entry = "atomic inc of mm_count",
      .on_exit = "atomic dec_and_test of mm_count, a full barrier",
      .last_drop = "whoever drops last frees",
      .origin = "mainline since 1999; mm_count isolated by c1753fd02a00 (2023)",
      .upstream = "mainline, MMU_LAZY_TLB_REFCOUNT: every architecture but powerpc Book3S-64",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
