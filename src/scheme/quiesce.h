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
//
// x86: 1 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct Quiesce : Shootdown {
  static constexpr unsigned kHeldBackPerCpu = 64;

  template <class M>
  struct PerCpu {
    // Written by this CPU only.
    Atomic<M, std::uint64_t> borrows{0};
    // Dead mms this CPU dropped last.
    alignas(machine::kApart) Mm<M>* waiting = nullptr;
  };

  template <class M>
  struct PerMm {
    // CPUs below this number have ended the borrow.
    unsigned quiescent = 0;
    void reset(M&) { quiescent = 0; }
  };

  template <class M>
  struct PerMmPerCpu {
    // The borrow to wait for; 0: none.
    std::uint64_t borrow = 0;
    void reset(M&) { borrow = 0; }
  };

  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    using enum std::memory_order;
    if (borrows_user_mm(site))
      m.store(scheme_state<PerCpu>(cpu).borrows, m.load(scheme_state<PerCpu>(cpu).borrows, relaxed) | 1,
              release);
    return mm;
  }

  // Odd to the next even number; a borrow of init_mm, even, stays.
  template <class M>
  MMSCALE_INLINE static void lazy_leave(M& m, Cpu<M>& cpu, Mm<M>*) {
    using enum std::memory_order;
    m.store(scheme_state<PerCpu>(cpu).borrows,
            (m.load(scheme_state<PerCpu>(cpu).borrows, relaxed) + 1) & ~std::uint64_t{1}, release);
  }

  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site) {
    drain(m, cpu, Drain::tick);
    for_each_candidate(m, cpu, mm, [&](Cpu<M>& other) {
      const std::uint64_t borrow = m.load(scheme_state<PerCpu>(other).borrows, std::memory_order_acquire);
      if (borrow % 2 != 0) scheme_state<PerMmPerCpu>(mm, cpu_number(other), m.cpus()).borrow = borrow;
    });
    mm->next_free = scheme_state<PerCpu>(cpu).waiting;
    scheme_state<PerCpu>(cpu).waiting = mm;
    return Reaped::deferred;
  }

  template <class M>
  static void drain(M& m, Cpu<M>& cpu, Drain) {
    for (auto** link = &scheme_state<PerCpu>(cpu).waiting; *link != nullptr;) {
      auto* mm = *link;
      if (!all_quiescent(m, cpu, mm)) {
        link = &mm->next_free;
        continue;
      }
      *link = mm->next_free;
      free_mm(m, cpu, mm);
    }
  }

  static constexpr Safety kSafety[] = {
      {"powerpc", true, "a CPU leaves mm_cpumask only after its active_mm left the mm"},
      {"powerpc-hash", true, "only offlining clears a bit, after the CPU moved to init_mm"},
      {"x86-2017", false,
       "a flush that frees page tables, or leave_mm, clears the bit but leaves active_mm: that CPU is not "
       "waited for, the sender included"},
      {"x86-unlazy", false,
       "switch_mm clears prev's bit before it loads the new page tables: a CPU in between is not waited for"},
      {"x86-*", false, "as under x86-2017, after two such flushes, or leave_mm and one"},
      {"x86-rar", false, "a lazy CPU that a flush interrupts clears its bit and leaves active_mm"},
      {"arm64*", true, "no mask of borrowers is kept, so every CPU is waited for"},
      {"s390", true,
       "a CPU stays attached while it is lazy, and every flush sets the mask to those attached"},
      {"riscv", true, "no bit is ever cleared"},
      {"loongarch", false,
       "flushes clear the bits of lazy CPUs whose context is gone; they are not waited for"},
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
  template <class M>
  static bool all_quiescent(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    for (unsigned& c = scheme_state<PerMm>(mm).quiescent; c < m.cpus(); ++c) {
      const std::uint64_t borrow = scheme_state<PerMmPerCpu>(mm, c, m.cpus()).borrow;
      if (borrow != 0 &&
          m.load(scheme_state<PerCpu>(*cpu.system->cpus[c]).borrows, std::memory_order_acquire) == borrow)
        return false;
    }
    return true;
  }
};

}  // namespace mmscale::scheme
