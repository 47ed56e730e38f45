// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/candidates.h"
#include "kernel/mm_life.h"
#include "scheme/shootdown.h"

namespace mmscale::scheme {

// RCU of its own, driven by the ends of borrows: a dead mm is kept until every CPU of its mask has ended the
// borrow it was in, whichever mm that was of. No IPI, no counting. Idea 5 in the comment over
// cleanup_lazy_tlbs (kernel/fork.c). A CPU that idles on holds every mm back that dies meanwhile and has it
// in its mask: memory instead of interrupts, without bound in time; in number, no process that needs this CPU
// can die twice before it moves.
//
// The per-CPU counter is odd while the CPU borrows a user mm, as RCU's own dynticks counter marks idle.
// Counting ends alone would make a CPU that borrows nothing hold all that it ever ran until it next idles,
// and one store to a line of its own is what that costs.
//
// Needs of the lifecycle: shootdown's mask. Not that CPUs can be interrupted, nor an active_mm to ask for.
//
// Memory order. Both stores are releases and the reaper's loads acquires. The end publishes the last use. The
// start is visible to the reaper through the borrower's own mmput, as in shootdown-filter, and carries the
// end before it. On x86 plain moves. The fence on kernel -> user is shootdown's, for membarrier(2).
struct Quiesce : Shootdown {
  static constexpr kernel::Candidates kCandidates = kernel::Candidates::mask;
  static constexpr unsigned kHeldBackPerCpu = 64;

  template <class K>
  struct PerCpu {
    // Written by this CPU only.
    typename K::Machine::template Atomic<std::uint64_t> borrows{0};
    // Dead mms this CPU dropped last.
    alignas(machine::kApart) typename kernel::Task<K>::Mm* waiting = nullptr;
  };

  template <class K>
  struct PerMm {
    // CPUs below this number have ended the borrow.
    unsigned quiescent = 0;
    void reset(typename K::Machine&) { quiescent = 0; }
  };

  template <class K>
  struct PerMmPerCpu {
    // The borrow to wait for; 0: none.
    std::uint64_t borrow = 0;
    void reset(typename K::Machine&) { borrow = 0; }
  };

  template <class K, kernel::Site kSite>
  MMSCALE_INLINE static auto* lazy_enter(typename K::Machine& m, kernel::Cpu<K>& cpu,
                                         typename kernel::Task<K>::Mm* mm) {
    using enum std::memory_order;
    if constexpr (kernel::borrows_user_mm(kSite))
      m.store(cpu.scheme.borrows, m.load(cpu.scheme.borrows, relaxed) | 1, release);
    return mm;
  }

  // Odd to the next even number; a borrow of init_mm, even, stays.
  template <class K>
  MMSCALE_INLINE static void lazy_leave(typename K::Machine& m, kernel::Cpu<K>& cpu,
                                        typename kernel::Task<K>::Mm*) {
    using enum std::memory_order;
    m.store(cpu.scheme.borrows, (m.load(cpu.scheme.borrows, relaxed) + 1) & ~std::uint64_t{1}, release);
  }

  template <class K, kernel::Site kSite>
  static kernel::Reaped reap(typename K::Machine& m, kernel::Cpu<K>& cpu, typename kernel::Task<K>::Mm* mm) {
    drain<K>(m, cpu, kernel::Drain::tick);
    kernel::for_each_candidate<K>(m, cpu, mm, [&](kernel::Cpu<K>& other) {
      const std::uint64_t borrow = m.load(other.scheme.borrows, std::memory_order_acquire);
      if (borrow % 2 != 0) mm->scheme_of(kernel::cpu_number(other), m.cpus()).borrow = borrow;
    });
    mm->next_free = cpu.scheme.waiting;
    cpu.scheme.waiting = mm;
    return kernel::Reaped::deferred;
  }

  template <class K>
  static void drain(typename K::Machine& m, kernel::Cpu<K>& cpu, kernel::Drain) {
    for (auto** link = &cpu.scheme.waiting; *link != nullptr;) {
      auto* mm = *link;
      if (!all_quiescent<K>(m, cpu, mm)) {
        link = &mm->next_free;
        continue;
      }
      *link = mm->next_free;
      kernel::free_mm<K>(m, cpu, mm);
    }
  }

  static constexpr Safety kSafety[] = {
      {"powerpc", true, "a CPU leaves mm_cpumask only after its active_mm left the mm"},
      {"powerpc-hash", true, "only offlining clears a bit, after the CPU moved to init_mm"},
      {"x86-2017", false,
       "a flush that frees page tables, or leave_mm, clears the bit but leaves active_mm: that CPU is not "
       "waited for, "
       "the sender included"},
      {"x86-2024", false, "as under x86-2017, after two such flushes, or leave_mm and one"},
      {"x86-noflush", false, "as under x86-2024: some lazy CPUs are missed, not all"},
      {"arm64", true, "no mask is kept, so every CPU is waited for"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "quiesce",
      .summary = "keep a dead mm until every CPU of mm_cpumask has ended the borrow it was in; no IPI",
      .on_entry = "release store to a counter of this CPU's own",
      .on_exit = "release store to that counter, full barrier",
      .last_drop = "one acquire load per CPU of mm_cpumask; freed when their counters have moved",
      .origin = "idea 5 in the comment over cleanup_lazy_tlbs, Nicholas Piggin (2655421ae69f)",
      .upstream = "not implemented",
      .safety = kSafety,
  };

 private:
  template <class K>
  static bool all_quiescent(typename K::Machine& m, kernel::Cpu<K>& cpu, typename kernel::Task<K>::Mm* mm) {
    for (unsigned& c = mm->scheme.quiescent; c < m.cpus(); ++c) {
      const std::uint64_t borrow = mm->scheme_of(c, m.cpus()).borrow;
      if (borrow != 0 && m.load(cpu.system->cpus[c]->scheme.borrows, std::memory_order_acquire) == borrow)
        return false;
    }
    return true;
  }
};

}  // namespace mmscale::scheme
