// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/mailbox.h"
#include "scheme/shootdown_registered.h"

namespace mmscale::scheme {

// Mailbox as in the series of 8 January 2022 ("Rework lazy mm handling", 1641659630.git.luto@kernel.org, 16/23): looks
// again at lazy_mm before it drops what a mailbox held, replaces by compare and exchange, leaves a reference whose borrow
// goes on where it is, and takes references only when it finds a borrower. Of its 22/23 (mm_cpumask on x86) nothing: that
// one needs 20 and 21/23, which make the mask a superset (x86-unlazy); online CPUs are the default everywhere else. It
// brings membarrier(2)'s barrier with it, for registered processes (4/23).
//
// Needs of the lifecycle: nothing.
//
// Memory order: as posted. The store that begins a borrow is plain, the one that ends it a release. That a scanner may read
// the plain store of a later borrow, which carries no release sequence in C++20, is in the posting, too: WRITE_ONCE.
//
// x86: 1 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct Mailbox2022 : Mailbox {
  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    if (borrows_user_mm(site)) m.store(scheme_state<PerCpu>(cpu).lazy_mm, mm, std::memory_order_relaxed);
    return mm;
  }

  template <class M>
  MMSCALE_INLINE static void lazy_exit(M& m, Cpu<M>& cpu, Mm<M>*, Site) {
    ShootdownRegistered::membarrier_finish_switch_mm(m, cpu);
  }

  template <class M>
  MMSCALE_INLINE static void switched(M& m, Cpu<M>& cpu) {
    if (m.load(scheme_state<PerCpu>(cpu).drop_mm, std::memory_order_relaxed) != nullptr) [[unlikely]]
      mmdrop_lazy(m, cpu);
  }

  // mm_unlazy_mm_count()
  template <class M>
  static void users_gone(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    std::int32_t unused = 0;
    for_each_candidate(m, cpu, mm, [&](Cpu<M>& other) {
      if (m.load(scheme_state<PerCpu>(other).lazy_mm, acquire) != mm) return;
      if (unused == 0) {
        unused = static_cast<std::int32_t>(m.cpus());
        m.fetch_add(mm_count(cpu, mm), unused, relaxed);
      }
      --unused;
      while (!try_mm_drop_rq_ref(m, cpu, other, mm)) {
      }
    });
    m.fetch_sub(mm_count(cpu, mm), unused, relaxed);
  }

  template <class M>
  static void drain(M& m, Cpu<M>& cpu, Drain) {
    switched(m, cpu);
  }

  static constexpr SchemeInfo kInfo = {
      .name = "mailbox-2022",
      .summary = "mailbox as posted in January 2022, with its barrier for registered processes",
      .on_entry = "store to a line of this CPU's own",
      .on_exit =
          "release store to that line, load of the mm's membarrier_state; full barrier if registered; one "
          "load of the line at every switch",
      .last_drop =
          "at the last mmput: one acquire load per possible CPU, a compare and exchange per borrower; freed "
          "when they switch",
      .origin = "Andy Lutomirski, 4 and 16/23 of 2022-01-08",
      .upstream = "posted, not merged",
      .safety = kSafety,
  };

 private:
  template <class M>
  MMSCALE_COLD static void mmdrop_lazy(M& m, Cpu<M>& cpu) {
    using enum std::memory_order;
    auto& own = scheme_state<PerCpu>(cpu);
    auto* old_mm = m.load(own.drop_mm, relaxed);
    while (old_mm != nullptr && old_mm != m.load(own.lazy_mm, relaxed)) {
      auto* const found = m.compare_exchange(own.drop_mm, old_mm, nullptr, relaxed);
      if (found == old_mm) return mmdrop(m, cpu, old_mm, Site::context_switch);
      old_mm = found;
    }
  }

  // __try_mm_drop_rq_ref()
  template <class M>
  static bool try_mm_drop_rq_ref(M& m, Cpu<M>& cpu, Cpu<M>& owner, Mm<M>* mm) {
    using enum std::memory_order;
    auto& rq = scheme_state<PerCpu>(owner);
    auto* const old_mm = m.load(rq.drop_mm, acquire);
    if (old_mm == nullptr) return m.compare_exchange(rq.drop_mm, nullptr, mm, seq_cst) == nullptr;
    if (m.load(rq.lazy_mm, acquire) != mm) {
      mmdrop(m, cpu, mm, Site::context_switch);
      return true;
    }
    if (m.compare_exchange(rq.drop_mm, old_mm, mm, seq_cst) != old_mm) return false;
    mmdrop(m, cpu, old_mm, Site::context_switch);
    return true;
  }
};

}  // namespace mmscale::scheme
