// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/shootdown.h"

namespace mmscale::scheme {

// Shootdown whose dying threads do not borrow the mm they leave: exit_mm switches to init_mm at once, idea 1
// in the comment over cleanup_lazy_tlbs (kernel/fork.c). A CPU that has seen the end of its thread is no
// borrower; only those that idle in the middle of a process' life are. Costs one real mm switch per thread
// exit, and the teardown of the last one runs on init_mm. The CPU stays in the mask, so it is still
// interrupted, for nothing.
//
// Needs of the lifecycle: as shootdown; that switch_mm may be called from exit_mm, interrupts off.
//
// Memory order: shootdown's. The switch happens before mmput's release decrement of mm_users, so whoever
// frees has seen it.
//
// x86: 1 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct ShootdownExitinit : Shootdown {
  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    if (site != Site::exit_mm) return mm;
    auto* init_mm = &cpu.system->init_mm;
    cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, mm, init_mm);
    return init_mm;
  }

  static constexpr SchemeInfo kInfo = {
      .name = "shootdown-exitinit",
      .summary = "shootdown whose exiting threads move to init_mm at once",
      .on_entry = "nothing; in exit_mm a real switch to init_mm",
      .on_exit = "full barrier",
      .last_drop = "synchronous IPI to mm_cpumask, then free",
      .origin = "idea 1 in the comment over cleanup_lazy_tlbs, Nicholas Piggin (2655421ae69f)",
      .upstream = "not implemented",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
