// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/build.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"
#include "kernel/mm_life.h"
#include "kernel/smp.h"
#include "scheme/info.h"

namespace mmscale::scheme {

// Nothing is counted. When the last struct reference goes, every CPU in mm_cpumask is interrupted, and those that
// still borrow the mm move to init_mm (MMU_LAZY_TLB_SHOOTDOWN; cleanup_lazy_tlbs, do_shoot_lazy_tlb in kernel/fork.c,
// 2655421ae69f). Needs of the lifecycle: mm_cpumask a superset of the CPUs lazy on the mm, and an accurate active_mm.
//
// Memory order. The fence on kernel -> user is for membarrier(2) alone: it replaces the drop's full barrier. For
// lifetime the IPI is enough: the handler runs on the borrowing CPU, and its ack (release, acquired by the sender)
// puts that CPU's last use before the freeing.
struct Shootdown {
  static constexpr kernel::MmLayout kLayout = kernel::MmLayout::isolated;
  static constexpr bool kCounted = false;
  static constexpr bool kRidesExitFlush = false;

  template <class K, kernel::Site kSite>
  MMSCALE_INLINE static void lazy_exit(typename K::Machine& m, kernel::Cpu<K>&, typename kernel::Task<K>::Mm*) {
    m.fence();
  }

  template <class K, kernel::Site kSite>
  static kernel::Reaped reap(typename K::Machine& m, kernel::Cpu<K>& cpu, typename kernel::Task<K>::Mm* mm) {
    kernel::on_each_cpu_mask<K>(m, cpu, mm, do_shoot_lazy_tlb<K>, shoot_self<K>, &kernel::Tally::ipis_shoot);
    return kernel::Reaped::free_now;
  }

  static constexpr Safety kSafety[] = {
      {"powerpc", true, "a CPU leaves mm_cpumask only after its active_mm left the mm"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "shootdown",
      .summary = "count nothing; interrupt every CPU in mm_cpumask when the mm is freed",
      .on_entry = "nothing",
      .on_exit = "full barrier",
      .last_drop = "synchronous IPI to mm_cpumask, then free",
      .origin = "Nicholas Piggin, RFC 2020-07-10, merged as 2655421ae69f (2023)",
      .upstream = "mainline, MMU_LAZY_TLB_SHOOTDOWN: powerpc Book3S-64",
      .safety = kSafety,
  };

 private:
  // Moves this CPU to init_mm if it borrows `mm`. Touches no counts. Interrupts off.
  template <class K>
  static bool shoot(typename K::Machine& m, kernel::Cpu<K>& cpu, typename kernel::Task<K>::Mm* mm) {
    using enum std::memory_order;
    kernel::Task<K>& task = *m.load(cpu.curr, relaxed);
    if (m.load(task.active_mm, relaxed) != mm) return false;
    // WARN_ON_ONCE(current->mm)
    if (task.mm != nullptr)
      kernel::report<K>(m, cpu, kernel::Violation::assertion, "do_shoot_lazy_tlb: current->mm is the dead mm");
    auto* init_mm = &cpu.system->init_mm;
    kernel::note_borrow<K>(m, cpu, init_mm);
    m.store(task.active_mm, init_mm, relaxed);
    K::Lifecycle::template switch_mm_irqs_off<K>(m, cpu, mm, init_mm);
    return true;
  }

  template <class K>
  static void do_shoot_lazy_tlb(typename K::Machine& m, void* mm) {
    kernel::Cpu<K>& cpu = kernel::this_cpu<K>(m);
    ++(shoot<K>(m, cpu, static_cast<typename kernel::Task<K>::Mm*>(mm)) ? cpu.tally.ipis_useful
                                                                       : cpu.tally.ipis_useless);
  }

  template <class K>
  static void shoot_self(typename K::Machine& m, void* mm) {
    kernel::Cpu<K>& cpu = kernel::this_cpu<K>(m);
    if (shoot<K>(m, cpu, static_cast<typename kernel::Task<K>::Mm*>(mm))) ++cpu.tally.shoot_self;
  }
};

}  // namespace mmscale::scheme
