// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/mm_life.h"
#include "scheme/info.h"

namespace mmscale::scheme {

// Refcount whose references stick: a CPU that ends a borrow keeps the reference as long as the mm it borrows next is the
// same one. A thread that sleeps and wakes on its CPU changes no shared word: the first trip through idle takes a
// reference, the last of them gives it back, when the CPU borrows another mm or at a timer tick in between. A dead mm is
// held back by the CPUs that ran it last, one mm each, until then. Nobody proposed it as far as we know; it needs no IPI,
// no mask and no scan.
//
// Needs of the lifecycle: nothing.
//
// Memory order. The grab is relaxed, as refcount's; the drop is mmdrop's, and comes later than the borrow it stands for.
// The fence on kernel -> user is membarrier(2)'s, in place of the drop's.
//
// x86: 1 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct Sticky : DefaultScheme {
  static constexpr unsigned kHeldBackPerCpu = 2;

  template <class M>
  struct PerCpu {
    // Of the mm borrowed last, this CPU's own; and one that waits for a place where it may be dropped.
    Mm<M>* kept = nullptr;
    Mm<M>* to_drop = nullptr;
  };

  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    auto& own = scheme_state<PerCpu>(cpu);
    if (borrows_user_mm(site) && own.kept != mm) [[unlikely]]
      keep_other(m, cpu, mm, site);
    return mm;
  }

  template <class M>
  MMSCALE_INLINE static void lazy_exit(M& m, Cpu<M>& cpu, Mm<M>*, Site site) {
    m.fence();
    // The CPU goes offline: cpu_down() calls switched().
    if (site == Site::sched_force_init_mm) let_go(m, cpu);
  }

  template <class M>
  MMSCALE_INLINE static void switched(M& m, Cpu<M>& cpu) {
    if (scheme_state<PerCpu>(cpu).to_drop != nullptr) [[unlikely]]
      drop_kept(m, cpu);
  }

  // Whoever runs in it may borrow it soon; whoever borrows it, does.
  template <class M>
  static void drain(M& m, Cpu<M>& cpu, Drain when) {
    using enum std::memory_order;
    Task<M>& task = *m.load(cpu.curr, relaxed);
    if (when == Drain::end || m.load(task.active_mm, relaxed) != scheme_state<PerCpu>(cpu).kept)
      let_go(m, cpu);
    switched(m, cpu);
  }

  static constexpr Safety kSafety[] = {
      {"*", true, "a CPU that is lazy on an mm owns one of its references, taken then or on an earlier trip"},
      {"x86-*", true, "the reference outlives active_mm, whatever flushes do to loaded_mm and the mask"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "sticky",
      .summary = "refcount that keeps a CPU's reference until it borrows another mm",
      .on_entry = "compare with what this CPU holds; if it is another mm, atomic inc of its mm_count",
      .on_exit = "full barrier",
      .last_drop = "whoever drops last frees: a CPU that ran the mm, at its next borrow or tick",
      .origin = "mmscale",
      .upstream = "never posted",
      .safety = kSafety,
  };

 private:
  template <class M>
  MMSCALE_COLD static void keep_other(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    let_go(m, cpu);
    mmgrab_lazy_tlb(m, cpu, mm, site);
    scheme_state<PerCpu>(cpu).kept = mm;
  }

  // Interrupts may be off and the rq lock held: the drop itself waits. There is room, since every switch drops.
  template <class M>
  static void let_go(M& m, Cpu<M>& cpu) {
    auto& own = scheme_state<PerCpu>(cpu);
    if (own.kept == nullptr) return;
    if (own.to_drop != nullptr) drop_kept(m, cpu);
    own.to_drop = own.kept;
    own.kept = nullptr;
  }

  template <class M>
  MMSCALE_COLD static void drop_kept(M& m, Cpu<M>& cpu) {
    auto& own = scheme_state<PerCpu>(cpu);
    Mm<M>* const mm = own.to_drop;
    own.to_drop = nullptr;
    mmdrop_lazy_tlb(m, cpu, mm, Site::context_switch);
  }
};

}  // namespace mmscale::scheme
