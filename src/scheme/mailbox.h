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
struct Mailbox {
  static constexpr kernel::MmLayout kLayout = kernel::MmLayout::isolated;
  static constexpr bool kCounted = false;
  static constexpr bool kRidesExitFlush = false;
  static constexpr kernel::Candidates kCandidates = kernel::Candidates::all;

  template <class K>
  struct PerCpu {
    using Slot = typename K::Machine::template Atomic<typename kernel::Task<K>::Mm*>;
    // Written by this CPU only; and what others put in and this CPU takes out. In one line, as in struct rq.
    Slot lazy_mm{nullptr};
    Slot drop_mm{nullptr};
  };

  template <class K, kernel::Site kSite>
  MMSCALE_INLINE static auto* lazy_enter(typename K::Machine& m, kernel::Cpu<K>& cpu,
                                         typename kernel::Task<K>::Mm* mm) {
    if constexpr (kernel::borrows_user_mm(kSite)) m.store(cpu.scheme.lazy_mm, mm, std::memory_order_release);
    return mm;
  }

  template <class K>
  MMSCALE_INLINE static void lazy_leave(typename K::Machine& m, kernel::Cpu<K>& cpu,
                                        typename kernel::Task<K>::Mm*) {
    m.store(cpu.scheme.lazy_mm, nullptr, std::memory_order_release);
  }

  template <class K>
  MMSCALE_INLINE static void switched(typename K::Machine& m, kernel::Cpu<K>& cpu) {
    if (m.load(cpu.scheme.drop_mm, std::memory_order_relaxed) != nullptr) [[unlikely]]
      mmdrop_lazy<K>(m, cpu);
  }

  template <class K>
  static void users_gone(typename K::Machine& m, kernel::Cpu<K>& cpu, typename kernel::Task<K>::Mm* mm) {
    hand_out<K>(m, cpu, mm, [&](kernel::Cpu<K>& borrower) { put<K>(m, cpu, borrower, mm); });
  }

  // CPUs that go offline, or stop, empty their mailbox without a switch.
  template <class K>
  static void drain(typename K::Machine& m, kernel::Cpu<K>& cpu, kernel::Drain) {
    switched<K>(m, cpu);
  }

  static constexpr Safety kSafety[] = {
      {"powerpc", true, "the last user gives every CPU whose lazy_mm is this mm a reference"},
      {"powerpc-hash", true, "the last user gives every CPU whose lazy_mm is this mm a reference"},
      {"x86-2017", true, "lazy_mm goes with active_mm, whatever flushes do to loaded_mm and the mask"},
      {"x86-2024", true, "lazy_mm goes with active_mm, whatever flushes do to loaded_mm and the mask"},
      {"x86-noflush", true, "lazy_mm goes with active_mm; no flush is needed"},
      {"arm64", true, "every CPU is looked at; no mask is needed"},
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
  template <class K, class Give>
  static void hand_out(typename K::Machine& m, kernel::Cpu<K>& cpu, typename kernel::Task<K>::Mm* mm,
                       Give&& give) {
    using enum std::memory_order;
    auto unused = static_cast<std::int32_t>(m.cpus());
    m.fetch_add(mm->mm_count, unused, relaxed);
    kernel::for_each_candidate<K>(m, cpu, mm, [&](kernel::Cpu<K>& other) {
      if (m.load(other.scheme.lazy_mm, acquire) != mm) return;
      --unused;
      give(other);
    });
    m.fetch_sub(mm->mm_count, unused, relaxed);
  }

 private:
  // A kernel -> kernel switch may find the reference for the borrow it has just handed on:
  // that one stays.
  template <class K>
  MMSCALE_COLD static void mmdrop_lazy(typename K::Machine& m, kernel::Cpu<K>& cpu) {
    using enum std::memory_order;
    if (m.load(cpu.scheme.drop_mm, relaxed) != m.load(cpu.scheme.lazy_mm, relaxed))
      put<K>(m, cpu, cpu, nullptr);
  }

  // Leaves a reference to `mm`, or nothing, in the owner's mailbox and drops for the owner what was in there;
  // unless the owner borrows that: then it goes back, and what comes out for it is looked at.
  template <class K>
  static void put(typename K::Machine& m, kernel::Cpu<K>& cpu, kernel::Cpu<K>& owner,
                  typename kernel::Task<K>::Mm* mm) {
    using enum std::memory_order;
    while ((mm = m.exchange(owner.scheme.drop_mm, mm, acq_rel)) != nullptr)
      if (m.load(owner.scheme.lazy_mm, acquire) != mm)
        return kernel::mmdrop<K, kernel::Site::context_switch>(m, cpu, mm);
  }
};

}  // namespace mmscale::scheme
