// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/candidates.h"
#include "kernel/shoot.h"
#include "kernel/smp.h"
#include "scheme/shootdown_filter_all.h"

namespace mmscale::scheme {

// One hazard pointer per CPU: it names the mm the CPU borrows. The last drop scans the slots of all possible
// CPUs and interrupts each match, one after the other (Mathieu Desnoyers, "sched+mm: Track lazy active mm
// existence with hazard pointers", v1 to v3, October 2024). The posted IPI that verifies each match is replaced by the
// oracle.
//
// Needs of the lifecycle: nothing of mm_cpumask; an active_mm that its own CPU can trust
// (irqs_off_activate_mm). An offline CPU cannot be interrupted (smp_call_function_single refuses), so it must
// have left before.
//
// Memory order. Lifetime needs no fence: who borrows is a user of the mm or has just been one, so the mm
// exists, and the store is visible to the scanner through that user's mmput; clearing is a release after the
// last use, paired with the scanner's acquire. A scanner may read the later store instead, as in shootdown-filter; that
// one is relaxed, since the fence before it is a release, too. The fences are for membarrier(2), which the grab's and the
// drop's atomics served: on user -> kernel between the store to rq->curr and what the kernel thread does, on kernel ->
// user between it and user code.
// On x86 each is one locked instruction on this CPU's own stack; elsewhere dmb ish, hwsync. The scanner's
// fence is Dekker's in a general hazard pointer; here the drop that came before it is one already.
//
// x86: 2 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct Hazptr : DefaultScheme {
  static constexpr Candidates kCandidates = Candidates::all;
  static constexpr EnterBarrier kEnterBarrier = EnterBarrier::full;

  template <class M>
  struct PerCpu {
    // The user mm this CPU borrows. Written by this CPU only.
    Atomic<M, Mm<M>*> slot{nullptr};
  };

  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    if (borrows_user_mm(site)) {
      m.fence();
      m.store(scheme_state<PerCpu>(cpu).slot, mm, std::memory_order_relaxed);
    }
    return mm;
  }

  // In finish_task_switch, as posted: an IPI that comes before it finds another active_mm and does nothing.
  // finish_cpu returns the borrow of another CPU, whose slot is not this one's.
  template <class M>
  MMSCALE_INLINE static void lazy_exit(M& m, Cpu<M>& cpu, Mm<M>*, Site site) {
    m.fence();
    if (site != Site::finish_cpu) m.store(scheme_state<PerCpu>(cpu).slot, nullptr, std::memory_order_release);
  }

  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site) {
    m.fence();
    PreemptOff<M> preempt(cpu);
    for_each_candidate(m, cpu, mm, [&](Cpu<M>& other) {
      if (m.load(scheme_state<PerCpu>(other).slot, std::memory_order_acquire) != mm) return;
      if (&other != &cpu) {
        smp_call_function_single(m, cpu, other, mm, shoot_slot<M>, &Tally::ipis_shoot);
        return;
      }
      call_here(m, cpu, [&] { cpu.tally.shoot_self += shoot(m, cpu, mm); });
    });
    return Reaped::free_now;
  }

  static constexpr const auto& kSafety = ShootdownFilterAll::kSafety;
  static constexpr SchemeInfo kInfo = {
      .name = "hazptr",
      .summary = "one hazard pointer per CPU; the last drop scans them and interrupts the true matches",
      .on_entry = "full barrier, store to this CPU's slot",
      .on_exit = "full barrier, store to this CPU's slot",
      .last_drop = "one acquire load per possible CPU, one synchronous IPI after the other to the matches",
      .origin =
          "Mathieu Desnoyers, RFC 2024-10-01 to v3 2024-10-08, after Paul McKenney's and Boqun Feng's hazptr",
      .upstream = "posted, not merged",
      .safety = kSafety,
  };

 private:
  template <class M>
  static bool shoot(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    if (!shoot_lazy_tlb(m, cpu, mm)) return false;
    // The scanner is told by the acknowledgement, which is a release; nobody else looks for this mm.
    m.store(scheme_state<PerCpu>(cpu).slot, nullptr, std::memory_order_relaxed);
    return true;
  }

  template <class M>
  static void shoot_slot(M& m, void* mm) {
    Cpu<M>& cpu = this_cpu(m);
    note_ipi(cpu, shoot(m, cpu, static_cast<Mm<M>*>(mm)));
  }
};

}  // namespace mmscale::scheme
