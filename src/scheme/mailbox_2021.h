// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/mailbox.h"

namespace mmscale::scheme {

// Mailbox as posted on 17 June 2021 (ecc3992c36cb in Andy Lutomirski's tree, reposted by Peter Zijlstra,
// YMsQ82bzly2KAUsu@hirez.programming.kicks-ass.net). It looks at mm_cpumask on x86 ("contains all CPUs that might be
// lazily using mm") and at the online CPUs elsewhere. Broken three ways:
//
// - x86 takes lazy CPUs out of the mask (flushes, leave_mm), the very thing that its author held against shootdown in the
//   same week. Patches 20 and 21 of January 2022 make the comment true.
// - A reference that is displaced from a mailbox is dropped, since it must be older than the borrow at hand. It need not
//   be: between the look at lazy_mm and the exchange the owner may have come to borrow it. Seen by its author in 2022.
// - Every context switch drops what is in the mailbox, kernel -> kernel too, where the borrow it stands for goes on. The
//   posting of 2022 asks whether that is still borrowed.
// Nor is there a full barrier on kernel -> user. exit_mm keeps a reference of its own in the patch, which nobody returns;
// here it publishes as a switch does, so that a CPU which exits alone meets the third fault.
//
// Memory order: as mailbox's, but a plain store where the borrow begins.
//
// x86: 0 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct Mailbox2021 : Mailbox {
  static constexpr Candidates kCandidates = Candidates::mask_on_x86;

  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    if (borrows_user_mm(site)) m.store(scheme_state<PerCpu>(cpu).lazy_mm, mm, std::memory_order_relaxed);
    return mm;
  }

  template <class M>
  MMSCALE_INLINE static void switched(M& m, Cpu<M>& cpu) {
    if (m.load(scheme_state<PerCpu>(cpu).drop_mm, std::memory_order_relaxed) != nullptr) [[unlikely]]
      mmdrop_lazy(m, cpu);
  }

  // mm_unlazy_mm_count()
  template <class M>
  static void users_gone(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    hand_out(m, cpu, mm, [&](Cpu<M>& borrower) {
      auto* const old_mm = m.exchange(scheme_state<PerCpu>(borrower).drop_mm, mm, std::memory_order_seq_cst);
      if (old_mm != nullptr) mmdrop(m, cpu, old_mm, Site::context_switch);
    });
  }

  template <class M>
  static void drain(M& m, Cpu<M>& cpu, Drain) {
    switched(m, cpu);
  }

  static constexpr Safety kSafety[] = {
      {"*", false,
       "a displaced reference may be the newer one, and a kernel -> kernel switch drops one in use"},
      {"x86-*", false, "as elsewhere; and lazy CPUs are missing in the mask that is looked at"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "mailbox-2021",
      .summary = "mailbox as posted in June 2021, over mm_cpumask on x86",
      .on_entry = "store to a line of this CPU's own",
      .on_exit = "release store to that line; one load of it at every switch",
      .last_drop =
          "at the last mmput: one acquire load per CPU of mm_cpumask on x86, of all elsewhere, an exchange "
          "per borrower",
      .origin = "Andy Lutomirski and Peter Zijlstra, 2021-06-17",
      .upstream = "posted, replaced by that of 2022",
      .safety = kSafety,
  };

 private:
  template <class M>
  MMSCALE_COLD static void mmdrop_lazy(M& m, Cpu<M>& cpu) {
    auto* const mm = m.exchange(scheme_state<PerCpu>(cpu).drop_mm, nullptr, std::memory_order_seq_cst);
    if (mm != nullptr) mmdrop(m, cpu, mm, Site::context_switch);
  }
};

}  // namespace mmscale::scheme
