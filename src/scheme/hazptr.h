// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/candidates.h"
#include "kernel/shoot.h"
#include "kernel/smp.h"
#include "scheme/shootdown_filter_all.h"

namespace mmscale::scheme {

// One hazard pointer per CPU: it names the mm the CPU borrows. The last drop scans the slots of all possible
// CPUs and interrupts each match, one after the other (Mathieu Desnoyers, "sched+mm: Track lazy active mm
// existence with hazard pointers", v1 to v3, October 2024). The second IPI per match that only checks is the
// oracle's business here.
//
// Needs of the lifecycle: nothing of mm_cpumask; an active_mm that its own CPU can trust
// (irqs_off_activate_mm). An offline CPU cannot be interrupted (smp_call_function_single refuses), so it must
// have left before.
//
// Memory order. Lifetime needs no fence: who borrows is a user of the mm or has just been one, so the mm
// exists, and the store is visible to the scanner through that user's mmput; clearing is a release after the
// last use, paired with the scanner's acquire. Both stores are releases for the reason that shootdown-filter
// gives. The fences are for membarrier(2), which the grab's and the drop's atomics served: on user -> kernel
// between the store to rq->curr and what the kernel thread does, on kernel -> user between it and user code.
// On x86 each is one locked instruction on this CPU's own stack; elsewhere dmb ish, hwsync. The scanner's
// fence is Dekker's in a general hazard pointer; here the drop that came before it is one already.
struct Hazptr {
  static constexpr kernel::MmLayout kLayout = kernel::MmLayout::isolated;
  static constexpr bool kCounted = false;
  static constexpr bool kRidesExitFlush = false;
  static constexpr kernel::Candidates kCandidates = kernel::Candidates::all;
  static constexpr kernel::EnterBarrier kEnterBarrier = kernel::EnterBarrier::full;

  template <class K>
  struct PerCpu {
    // The user mm this CPU borrows. Written by this CPU only.
    typename K::Machine::template Atomic<typename kernel::Task<K>::Mm*> slot{nullptr};
  };

  template <class K, kernel::Site kSite>
  MMSCALE_INLINE static auto* lazy_enter(typename K::Machine& m, kernel::Cpu<K>& cpu,
                                         typename kernel::Task<K>::Mm* mm) {
    if constexpr (kernel::borrows_user_mm(kSite)) {
      m.fence();
      m.store(cpu.scheme.slot, mm, std::memory_order_release);
    }
    return mm;
  }

  // In finish_task_switch, as posted: an IPI that comes before it finds another active_mm and does nothing.
  // finish_cpu returns the borrow of another CPU, whose slot is not this one's.
  template <class K, kernel::Site kSite>
  MMSCALE_INLINE static void lazy_exit(typename K::Machine& m, kernel::Cpu<K>& cpu,
                                       typename kernel::Task<K>::Mm*) {
    m.fence();
    if constexpr (kSite != kernel::Site::finish_cpu)
      m.store(cpu.scheme.slot, nullptr, std::memory_order_release);
  }

  template <class K, kernel::Site kSite>
  static kernel::Reaped reap(typename K::Machine& m, kernel::Cpu<K>& cpu, typename kernel::Task<K>::Mm* mm) {
    m.fence();
    kernel::PreemptOff<K> preempt(cpu);
    kernel::for_each_candidate<K>(m, cpu, mm, [&](kernel::Cpu<K>& other) {
      if (m.load(other.scheme.slot, std::memory_order_acquire) != mm) return;
      if (&other != &cpu) {
        kernel::smp_call_function_single<K>(m, cpu, other, mm, shoot_slot<K>, &kernel::Tally::ipis_shoot);
        return;
      }
      kernel::IrqSave irq(m);
      ++cpu.tally.ipis_local;
      cpu.tally.shoot_self += shoot<K>(m, cpu, mm);
    });
    return kernel::Reaped::free_now;
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
  template <class K>
  static bool shoot(typename K::Machine& m, kernel::Cpu<K>& cpu, typename kernel::Task<K>::Mm* mm) {
    if (!kernel::shoot_lazy_tlb<K>(m, cpu, mm)) return false;
    m.store(cpu.scheme.slot, nullptr, std::memory_order_release);
    return true;
  }

  template <class K>
  static void shoot_slot(typename K::Machine& m, void* mm) {
    kernel::Cpu<K>& cpu = kernel::this_cpu<K>(m);
    kernel::note_ipi(cpu, shoot<K>(m, cpu, static_cast<typename kernel::Task<K>::Mm*>(mm)));
  }
};

}  // namespace mmscale::scheme
