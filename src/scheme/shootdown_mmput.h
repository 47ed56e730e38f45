// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/shootdown.h"

namespace mmscale::scheme {

// Shootdown at the last mmput: when the last user is gone nobody can begin to borrow, so that the borrowers can be
// interrupted then, from a context that may wait, and not when the last reference to the struct goes, which may be years
// later under somebody's spinlock (Linus Torvalds, 2022-01-09, CAHk-=wgnTWk2zeOO1YQ_8S-xPf4Pr0vXBs7DnhOPdKQFHXOnxw@mail.
// gmail.com: get rid of the lazy references at the last mmput). The last drop has nothing left to do.
//
// Needs of the lifecycle: shootdown's mask.
//
// Memory order: shootdown's.
struct ShootdownMmput : Shootdown {
  template <class M>
  static void users_gone(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    on_each_cpu_mask(m, cpu, mm, do_shoot_lazy_tlb<M>, shoot_self<M>, &Tally::ipis_shoot);
  }

  template <class M>
  static Reaped reap(M&, Cpu<M>&, Mm<M>*, Site) {
    return Reaped::free_now;
  }

  static constexpr SchemeInfo kInfo = {
      .name = "shootdown-mmput",
      .summary = "shootdown when the last user goes, not when the last reference does",
      .on_entry = "nothing",
      .on_exit = "full barrier",
      .last_drop = "at the last mmput: synchronous IPI to mm_cpumask; whoever drops last frees",
      .origin = "Linus Torvalds, 2022-01-09",
      .upstream = "an idea",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
