// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/shootdown.h"

namespace mmscale::scheme {

// Shootdown without the shooting: trusts that exit_mmap's final flush has interrupted every lazy CPU and
// taken it off the mm, and frees at the last drop without asking (Rik van Riel's removal of lazy refcounting
// on x86, 2018; Peter Zijlstra's MMU_LAZY_TLB_IMPLICIT_SHOOTDOWN). Safe nowhere as it stands: it needs a
// flush that reaches every lazy CPU and the sender, moves active_mm and not only loaded_mm, and happens for
// an mm without page tables too.
//
// Memory order: shootdown's; the flush handler's ack publishes the borrower's last use.
struct Implicit : Shootdown {
  static constexpr bool kRidesExitFlush = true;

  template <class M>
  static Reaped reap(M&, Cpu<M>&, Mm<M>*, Site) {
    return Reaped::free_now;
  }

  static constexpr Safety kSafety[] = {
      {"powerpc", false, "the exit flush skips its sender, who is lazy on the mm since exit_mm"},
      {"powerpc-hash", false, "there is no exit flush by IPI at all"},
      {"x86-*", false,
       "the flush moves loaded_mm but leaves active_mm dangling, and an mm without page tables is not "
       "flushed"},
      {"x86-paravirt", false, "the flush misses CPUs that halted, which keep the page tables loaded"},
      {"x86-invlpgb", false, "the flush is an instruction: no CPU is interrupted, none moves"},
      {"arm64*", false, "the hardware broadcasts the flush: no CPU is interrupted, none moves"},
      {"s390", false, "the hardware broadcasts the flush: no CPU is interrupted, none moves"},
      {"riscv", false, "the flush interrupts lazy CPUs and moves none"},
      {"loongarch", false, "flush_tlb_mm does nothing when mm_users is 0"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "implicit",
      .summary = "trust the exit flush to have taken every lazy CPU off the mm",
      .on_entry = "nothing",
      .on_exit = "full barrier",
      .last_drop = "free at once",
      .origin = "Rik van Riel, 2018-07-28; Peter Zijlstra, x86/lazy queue (2023)",
      .upstream = "posted and in a branch, not merged",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
