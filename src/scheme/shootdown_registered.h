// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/shootdown.h"

namespace mmscale::scheme {

// Shootdown whose full barrier on kernel -> user is for registered processes alone: membarrier(2)'s expedited commands
// answer EPERM to all others (kernel/sched/membarrier.c), so that the barrier which replaces the drop's is due to few. As
// the series of 2022-01-08 has it for its own scheme (membarrier_finish_switch_mm, 4/23). A load of a word that nobody
// writes takes its place, in the line that a change of mm reads anyway.
//
// Needs of the lifecycle: shootdown's mask.
//
// Memory order: shootdown's, where the fence is. Registering waits for a grace period before it lets anybody call
// membarrier(2), so that a CPU which reads 0 here ends its trip before.
//
// x86: 1 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct ShootdownRegistered : Shootdown {
  template <class M>
  MMSCALE_INLINE static void lazy_exit(M& m, Cpu<M>& cpu, Mm<M>*, Site) {
    membarrier_finish_switch_mm(m, cpu);
  }

  // membarrier_finish_switch_mm(next->mm)
  template <class M>
  MMSCALE_INLINE static void membarrier_finish_switch_mm(M& m, Cpu<M>& cpu) {
    using enum std::memory_order;
    auto* const mm = m.load(cpu.curr, relaxed)->mm.get(m);
    if (mm != nullptr && m.load(mm->membarrier_state, relaxed) != 0) m.fence();
  }

  static constexpr SchemeInfo kInfo = {
      .name = "shootdown-registered",
      .summary = "shootdown whose barrier on kernel -> user is for processes registered with membarrier(2)",
      .on_entry = "nothing",
      .on_exit = "load of the mm's membarrier_state; full barrier if registered",
      .last_drop = "synchronous IPI to mm_cpumask, then free",
      .origin = "after Andy Lutomirski, membarrier_finish_switch_mm, 4/23 of 2022-01-08",
      .upstream = "not implemented",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
