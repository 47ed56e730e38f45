// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/candidates.h"
#include "kernel/mm_life.h"
#include "scheme/info.h"

namespace mmscale::scheme {

// Two words per CPU: lazy_mm names the mm it borrows, drop_mm is a mailbox for one reference. The borrow
// itself is not counted. When the last user goes, that CPU looks at everybody's lazy_mm and hands each
// borrower a real reference through its mailbox; the borrower drops it after its next switch. No IPI: the
// struct lives until the last borrower switches (Andy Lutomirski, "mm: Lightweight lazy mm refcounting",
// rq->lazy_mm and rq->drop_mm). As posted: all possible CPUs are looked at, and there is no full barrier, so
// that membarrier(2) breaks where neither switch_mm nor __switch_to is one (powerpc).
//
// A mailbox may be full: its owner has ended the borrow, or the reference in it came late, after the owner
// had gone on to another mm. Whoever displaces one may drop it only if the owner does not borrow that mm now,
// which it must look at again. The posting of June 2021 did not look again and frees an mm in use; that of
// 2022-01-08 does, with compare and exchange. Here plain exchanges do the same: a reference is always either
// in the mailbox or in one CPU's hands, so that none is mistaken for that of an mm reborn at the same
// address.
//
// Needs of the lifecycle: nothing; whatever happens to the mask and to loaded_mm, lazy_mm goes with
// active_mm.
//
// Memory order. lazy_mm = mm needs no order for itself: prev is a user of the mm, and its own mmput, a
// release, comes later. lazy_mm = NULL is a release behind the last use and pairs with the scanner's acquire:
// who reads NULL or another mm may free. As in shootdown-filter both are releases, because a scanner may read
// the later store instead. The mailbox is exchanged with acquire and release: the reference comes with all
// that the scanner saw. Who then finds lazy_mm elsewhere, with acquire, is behind the end of the borrow; a
// new one cannot begin, for an mm whose reference lies in a mailbox has no users. On x86 a round trip is two
// plain stores and a load; elsewhere two stlr, lwsync.
//
// x86: 0 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct Mailbox : DefaultScheme {
  static constexpr Candidates kCandidates = Candidates::all;

  template <class M>
  struct PerCpu {
    using Slot = Atomic<M, Mm<M>*>;
    // Written by this CPU only; and what others put in and this CPU takes out. In one line, as in struct rq.
    Slot lazy_mm{nullptr};
    Slot drop_mm{nullptr};
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
  MMSCALE_INLINE static void switched(M& m, Cpu<M>& cpu) {
    if (m.load(scheme_state<PerCpu>(cpu).drop_mm, std::memory_order_relaxed) != nullptr) [[unlikely]]
      mmdrop_lazy(m, cpu);
  }

  template <class M>
  static void users_gone(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    hand_out(m, cpu, mm, [&](Cpu<M>& borrower) { put(m, cpu, borrower, mm); });
  }

  // CPUs that go offline, or stop, empty their mailbox without a switch.
  template <class M>
  static void drain(M& m, Cpu<M>& cpu, Drain) {
    switched(m, cpu);
  }

  static constexpr Safety kSafety[] = {
      {"*", true, "the last user gives every CPU whose lazy_mm is this mm a reference; no mask is needed"},
      {"x86-*", true, "lazy_mm goes with active_mm, whatever flushes do to loaded_mm and the mask"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "mailbox",
      .summary =
          "each CPU publishes what it borrows; the last user hands the borrowers real references, no IPI",
      .on_entry = "release store to a line of this CPU's own",
      .on_exit = "release store to that line; one load of it at every switch",
      .last_drop =
          "at the last mmput: one acquire load per possible CPU, an exchange per borrower; freed when they "
          "switch",
      .origin = "Andy Lutomirski, RFC v2 2020-12-03, 2021-06-17, 16/23 of 2022-01-08",
      .upstream = "posted, not merged",
      .safety = kSafety,
  };

 protected:
  // Gives every borrower a reference, give(borrower) putting it into the mailbox. No borrow can begin any
  // more. The references are taken in bulk before anybody could give one back, and those that nobody needed
  // returned: mmput still holds its own, so neither reaches zero.
  template <class M, class Give>
  static void hand_out(M& m, Cpu<M>& cpu, Mm<M>* mm, Give&& give) {
    using enum std::memory_order;
    auto unused = static_cast<std::int32_t>(m.cpus());
    m.fetch_add(mm_count(cpu, mm), unused, relaxed);
    for_each_candidate(m, cpu, mm, [&](Cpu<M>& other) {
      if (m.load(scheme_state<PerCpu>(other).lazy_mm, acquire) != mm) return;
      --unused;
      give(other);
    });
    m.fetch_sub(mm_count(cpu, mm), unused, relaxed);
  }

 private:
  // A kernel -> kernel switch may find the reference for the borrow it has just handed on:
  // that one stays.
  template <class M>
  MMSCALE_COLD static void mmdrop_lazy(M& m, Cpu<M>& cpu) {
    using enum std::memory_order;
    if (m.load(scheme_state<PerCpu>(cpu).drop_mm, relaxed) !=
        m.load(scheme_state<PerCpu>(cpu).lazy_mm, relaxed))
      put<M>(m, cpu, cpu, nullptr);
  }

  // Leaves a reference to `mm`, or nothing, in the owner's mailbox and drops for the owner what was in there;
  // unless the owner borrows that: then it goes back, and what comes out for it is looked at.
  template <class M>
  static void put(M& m, Cpu<M>& cpu, Cpu<M>& owner, Mm<M>* mm) {
    using enum std::memory_order;
    while ((mm = m.exchange(scheme_state<PerCpu>(owner).drop_mm, mm, acq_rel)) != nullptr)
      if (m.load(scheme_state<PerCpu>(owner).lazy_mm, acquire) != mm)
        return mmdrop(m, cpu, mm, Site::context_switch);
  }
};

}  // namespace mmscale::scheme
