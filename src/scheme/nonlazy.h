// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/candidates.h"
#include "scheme/info.h"

namespace mmscale::scheme {

// Nobody borrows: a kernel thread runs on init_mm, so every user -> kernel and kernel -> user switch really
// changes the page tables (Nicholas Piggin's CONFIG_MMU_LAZY_TLB=n, 2020-07-10 to v3 of 2021-06-01, dropped
// from v4 on).
//
// Page tables cannot be loaded from user space. What the lifecycle does in memory is done; for the
// instruction itself the CPU stalls Tuning::switch_ticks each way, interrupts off: by default 300 ticks of
// the counter, after the 250 to 300 cycles that Nadav Amit measured for a CR3 write without a flush on
// Skylake (2022-01-09). The TLB misses behind it are absent. The ticks are read from a copy in this CPU's own
// line, so the configuration adds no shared access.
//
// Needs of the lifecycle: that switch_mm may be called from exit_mm and unuse_mm, interrupts off.
//
// Memory order. There is no borrow to order: a CPU has left an mm before the mmput that may be the last,
// whose release publishes that. The fence on kernel -> user is the explicit smp_mb() of the posted series,
// for membarrier(2); where switch_mm is a full barrier (x86) it is one too many.
struct Nonlazy : DefaultScheme {
  static constexpr bool kBorrowsUserMm = false;

  template <class M>
  struct PerCpu {
    explicit PerCpu(const Tuning& tuning) : switch_ticks(tuning.switch_ticks) {}
    const std::uint32_t switch_ticks;
  };

  // The kernel has just called switch_mm, here and on the way back.
  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>*, Site site) {
    if (borrows_user_mm(site)) m.stall(scheme_state<PerCpu>(cpu).switch_ticks);
    return &cpu.system->init_mm;
  }

  template <class M>
  MMSCALE_INLINE static void lazy_leave(M& m, Cpu<M>& cpu, Mm<M>*) {
    m.stall(scheme_state<PerCpu>(cpu).switch_ticks);
  }

  template <class M>
  MMSCALE_INLINE static void lazy_exit(M& m, Cpu<M>&, Mm<M>*, Site) {
    m.fence();
  }

  static constexpr Safety kSafety[] = {
      {"*", true, "no CPU ever borrows a user mm"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "nonlazy",
      .summary = "no lazy borrowing at all: a real switch to init_mm and back",
      .on_entry = "switch_mm to init_mm, a configurable number of ticks",
      .on_exit = "switch_mm back, the same number of ticks, full barrier",
      .last_drop = "free at once",
      .origin = "Nicholas Piggin, CONFIG_MMU_LAZY_TLB=n, RFC 2020-07-10, v3 2021-06-01",
      .upstream = "posted, dropped from v4 on",
      .safety = kSafety,
      .tunable = "switch_ticks",
  };
};

}  // namespace mmscale::scheme
