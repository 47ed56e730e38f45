// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/candidates.h"
#include "scheme/shootdown.h"

namespace mmscale::scheme {

// Shootdown that looks before it shoots: each CPU publishes the user mm it borrows in a line of its own, and
// the last drop interrupts only the CPUs of the mask that name this mm. Idea 3 in the comment over
// cleanup_lazy_tlbs (kernel/fork.c). All matches are interrupted in one round.
//
// Needs of the lifecycle: shootdown's mask.
//
// Memory order. lazy_mm is stored with release at both ends and loaded with acquire. At the end of a borrow,
// release puts this CPU's last use before the scanner's freeing. At the start it needs to order nothing for
// this borrow: it is visible because the borrower's own mmput, or its handing over the task, comes later and
// is a release. It is a release all the same, since a scanner may read this store instead of the earlier end
// of another borrow, and C++20 no longer lets a plain store carry that one on. On x86 all of them are plain
// moves; elsewhere stlr, lwsync. The fence on kernel -> user is shootdown's, for membarrier(2). A scanner
// that comes too early interrupts for nothing and no more: nobody begins to borrow an mm without users.
struct ShootdownFilter : Shootdown {
  static constexpr kernel::Candidates kCandidates = kernel::Candidates::mask;

  template <class K>
  struct PerCpu {
    // The user mm this CPU borrows. Written by this CPU only.
    typename K::Machine::template Atomic<typename kernel::Task<K>::Mm*> lazy_mm{nullptr};
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

  template <class K, kernel::Site kSite>
  static kernel::Reaped reap(typename K::Machine& m, kernel::Cpu<K>& cpu, typename kernel::Task<K>::Mm* mm) {
    kernel::PreemptOff<K> preempt(cpu);
    bool here = false;
    cpu.targets.clear();
    kernel::for_each_candidate<K>(m, cpu, mm, [&](kernel::Cpu<K>& other) {
      if (m.load(other.scheme.lazy_mm, std::memory_order_acquire) != mm) return;
      if (&other == &cpu)
        here = true;
      else if (kernel::cpu_online<K>(m, other))
        cpu.targets.set(kernel::cpu_number<K>(other));
    });
    kernel::smp_call_function_many<K>(m, cpu, cpu.targets, mm, kernel::do_shoot_lazy_tlb<K>,
                                      &kernel::Tally::ipis_shoot);
    if (here) {
      kernel::IrqSave irq(m);
      ++cpu.tally.ipis_local;
      kernel::shoot_self<K>(m, mm);
    }
    return kernel::Reaped::free_now;
  }

  static constexpr SchemeInfo kInfo = {
      .name = "shootdown-filter",
      .summary = "shootdown of those CPUs in mm_cpumask that publish this mm as the one they borrow",
      .on_entry = "release store to a line of this CPU's own",
      .on_exit = "release store to that line, full barrier",
      .last_drop = "one acquire load per CPU of mm_cpumask, synchronous IPI to the matches",
      .origin = "idea 3 in the comment over cleanup_lazy_tlbs, Nicholas Piggin (2655421ae69f)",
      .upstream = "not implemented",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
