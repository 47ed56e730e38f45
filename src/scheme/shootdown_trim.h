// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/shootdown.h"

namespace mmscale::scheme {

// Shootdown whose borrowers take themselves out of the mask: a CPU that ends a borrow of a dying mm clears
// its bit, so that the last drop does not interrupt it. Idea 4 in the comment over cleanup_lazy_tlbs
// (kernel/fork.c). It helps as far as time passes between the end of the users and the last drop: with
// somebody who holds the struct, or a delay.
//
// An mm is dying from the end of exit_mmap's flush on, not before: a CPU that left the mask earlier would
// keep stale translations of a user mm that is still being torn down.
//
// Needs of the lifecycle: shootdown's mask, and that clearing an own bit is all it takes to leave it.
//
// Memory order. `dying` is stored with release behind the flush and loaded with acquire, so that who sees it
// has been flushed. The bit is cleared with release, since it is the CPU's last access to the mm: a dropper
// that finds it clear will not interrupt this CPU. The dropper's fence behind its relaxed loads of the mask
// makes them an acquire. On x86 the clear is a full barrier anyway and the loads need nothing. The fence on
// kernel -> user is shootdown's.
//
// x86: 1 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct ShootdownTrim : Shootdown {
  template <class M>
  struct PerMm {
    Atomic<M, std::uint32_t> dying{0};
    void reset(M& m) { m.store(dying, 0u, std::memory_order_relaxed); }
  };

  template <class M>
  static void users_gone(M& m, Cpu<M>&, Mm<M>* mm) {
    m.store(scheme_state<PerMm>(mm).dying, 1u, std::memory_order_release);
  }

  template <class M>
  MMSCALE_INLINE static void lazy_leave(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    if (m.load(scheme_state<PerMm>(mm).dying, std::memory_order_acquire) != 0) [[unlikely]]
      leave_mask(m, cpu, mm);
  }

  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    Shootdown::reap(m, cpu, mm, site);
    m.fence();
    return Reaped::free_now;
  }

  static constexpr SchemeInfo kInfo = {
      .name = "shootdown-trim",
      .summary = "shootdown where a CPU that ends its borrow of a dying mm leaves mm_cpumask by itself",
      .on_entry = "nothing",
      .on_exit = "load of the mm's `dying`, full barrier; clears its bit in a dying mm's mask",
      .last_drop = "synchronous IPI to who is still in mm_cpumask, then free",
      .origin = "idea 4 in the comment over cleanup_lazy_tlbs, Nicholas Piggin (2655421ae69f)",
      .upstream = "not implemented",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
