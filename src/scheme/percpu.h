// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/mm_life.h"
#include "scheme/info.h"

namespace mmscale::scheme {

// Refcount with a counter per mm and CPU, the textbook answer (percpu_ref in lib/percpu-refcount.c; nobody
// posted it for lazy mms). A borrow begins and ends on one CPU, so both operations are on that CPU's own
// line. When the last user goes, each counter is exchanged for a poison and what it held goes into mm_count;
// from there on the borrowers drop that. Real references (mmgrab, mmdrop) are on mm_count all along. Costs a
// line per mm and CPU.
//
// A sum without the exchange would lose: a CPU that decrements between the reading of its counter and the
// mark that counting has moved would have returned a reference that is then counted again.
//
// Needs of the lifecycle: nothing.
//
// Memory order. Both operations are locked read-modify-writes, so that each falls either before the exchange
// and is in what it returns, or behind and finds the poison. + 1 is relaxed as atomic_inc is; - 1 is seq_cst
// as in mmdrop: release for this CPU's last use, which the exchange acquires, and membarrier(2)'s full
// barrier. mm_count is raised by the most that can be outstanding before the first exchange releases it: who
// finds a poison must find his reference there. Plain operations as in percpu_ref would be cheaper off x86
// and need a grace period before the sum, and a full fence here.
//
// x86: 3 locked instructions or fences of its own in the measured loop, the third behind the end of an mm (tests/workload/fast_path_test.py).
struct Percpu : DefaultScheme {
  static constexpr EnterBarrier kEnterBarrier = EnterBarrier::rmw;

  template <class M>
  struct alignas(machine::kLine) PerMmPerCpu {
    Atomic<M, std::int32_t> count{0};
    void reset(M& m) { m.store(count, 0, std::memory_order_relaxed); }
  };

  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>&, Mm<M>* mm, Site) {
    m.fetch_add(scheme_state<PerMmPerCpu>(mm, m.cpu(), m.cpus()).count, 1, std::memory_order_relaxed);
    return mm;
  }

  // Who finds the poison has his reference in mm_count.
  template <class M>
  MMSCALE_INLINE static void lazy_exit(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    if (m.fetch_sub(scheme_state<PerMmPerCpu>(mm, m.cpu(), m.cpus()).count, 1, std::memory_order_seq_cst) <
        kPoison / 2) [[unlikely]]
      mmdrop_lazy_tlb(m, cpu, mm, site);
  }

  // percpu_ref_kill(). mmput still holds its own reference.
  template <class M>
  static void users_gone(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    const auto most = static_cast<std::int32_t>(m.cpus());
    m.fetch_add(mm_count(cpu, mm), most, relaxed);
    std::int32_t borrowed = 0;
    for (unsigned c = 0; c < m.cpus(); ++c)
      borrowed += m.exchange(scheme_state<PerMmPerCpu>(mm, c, m.cpus()).count, kPoison, acq_rel);
    m.fetch_sub(mm_count(cpu, mm), most - borrowed, relaxed);
    cpu.tally.lazy_grabs += static_cast<std::uint64_t>(borrowed);
  }

  static constexpr Safety kSafety[] = {
      {"*", true,
       "a CPU that is lazy on an mm owns one of its references, in its own counter or in mm_count"},
      {"x86-*", true, "the reference goes with active_mm, whatever flushes do to loaded_mm and the mask"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "percpu",
      .summary =
          "each lazy borrow counts in a counter per mm and CPU; the last user folds them into mm_count",
      .on_entry = "atomic inc on a line of this CPU's own",
      .on_exit = "atomic dec of it, a full barrier",
      .last_drop = "at the last mmput: one exchange per possible CPU; then whoever drops last frees",
      .origin = "textbook: percpu_ref, Kent Overstreet (2013)",
      .upstream = "never posted for lazy mms",
      .safety = kSafety,
  };

 private:
  // Far below what a counter can reach, with room for the decrements of borrowers that come too late.
  static constexpr std::int32_t kPoison = INT32_MIN / 2;
};

}  // namespace mmscale::scheme
