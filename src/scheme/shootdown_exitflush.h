// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/shootdown.h"

namespace mmscale::scheme {

// Shootdown whose work is done by the IPIs that exit_mmap sends anyway, to flush the TLBs a last time: their
// handler takes a lazy CPU to init_mm and out of the mask (exit_lazy_flush_tlb in
// arch/powerpc/mm/book3s64/radix_tlb.c). What is left for the last drop is the dropping CPU itself, which the
// flush skips and which is lazy since exit_mm. Without page tables there is no flush and the last drop does
// it all.
//
// Needs of the lifecycle: a final flush by IPI (powerpc radix; elsewhere this is shootdown to the letter),
// and shootdown's mask.
//
// Memory order: shootdown's. The flush handler's ack publishes the borrower's last use as the shooting one's
// would.
struct ShootdownExitflush : Shootdown {
  static constexpr bool kRidesExitFlush = true;

  static constexpr SchemeInfo kInfo = {
      .name = "shootdown-exitflush",
      .summary = "shootdown that lets the exit flush's own IPIs take the borrowers along",
      .on_entry = "nothing",
      .on_exit = "full barrier",
      .last_drop = "the final flush unlazies every CPU it interrupts; IPIs only to what is left",
      .origin = "Nicholas Piggin, \"combine final TLB flush and lazy tlb mm shootdown IPIs\" (2023-05-24)",
      .upstream = "mainline, powerpc Book3S-64 with the radix MMU",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
