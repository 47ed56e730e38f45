// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/lifecycle/arm64.h"
#include "kernel/preempt.h"

namespace mmscale::kernel::lifecycle {

// arm64 with a mask, as Andrea Arcangeli posted it ("arm64: tlb: skip tlbi broadcast", v2, 20200223192520.20808-4-
// aarcange@redhat.com; not merged): an mm that is active on one CPU is flushed there alone. mm_cpumask says something
// else than anywhere: whose TLB may be stale. A flush that stays local sets all other bits, and a CPU clears its own
// when it loads the mm, flushing. So nobody may take the mask for the borrowers, and every CPU is a candidate here, too.
//
// What it costs is nr_active_mm, a counter in the mm: a CPU that goes idle leaves the page tables (TTBR0 is the reserved
// one from then on, active_mm stays) and is subtracted, and added when it comes back: two atomics on a shared line for
// each trip through idle, the very pattern that mm_count is blamed for.
//
// switch_mm decrements the counter of prev, so that prev must not have been freed.
struct Arm64Mask : Arm64 {
  static constexpr std::string_view kName = "arm64-mask";
  static constexpr std::string_view kWhat =
      "arm64 that flushes locally, as posted in 2020: the mask says who is stale, idle CPUs leave";
  static constexpr bool kSwitchMmReadsPrev = true;

  template <class M>
  struct PerCpu : Arm64::PerCpu<M> {
    // cpu_not_lazy_tlb
    bool not_lazy = false;
  };

  template <class M>
  struct PerMm : Arm64::PerMm<M> {
    // mm->context.nr_active_mm
    Atomic<M, std::int32_t> active{0};
    void reset(M& m) {
      Arm64::PerMm<M>::reset(m);
      m.store(active, 0, std::memory_order_relaxed);
    }
  };

  template <class M>
  MMSCALE_INLINE static void enter_lazy_tlb(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    auto& own = arch_state<PerCpu>(cpu);
    if (!own.not_lazy || m.load(cpu.curr, relaxed) != &cpu.idle) return;
    own.not_lazy = false;
    // cpu_set_reserved_ttbr0()
    m.store(cpu.loaded_mm, &cpu.system->init_mm, relaxed);
    m.fetch_sub(arch_state<PerMm>(mm).active, 1, relaxed);
  }

  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>* prev, Mm<M>* next) {
    using enum std::memory_order;
    expect_irqs_off(m, cpu, "switch_mm_irqs_off");
    auto& own = arch_state<PerCpu>(cpu);
    if (own.not_lazy && prev == next) return;
    m.fetch_add(arch_state<PerMm>(next).active, 1, relaxed);
    if (next != &cpu.system->init_mm) {
      m.exchange(arch_state<PerCpu>(cpu).active_asid, m.load(arch_state<PerMm>(next).asid, relaxed), relaxed);
      // smp_mb(): the counter is up before the mask is looked at; pairs with tlb_flush_check().
      m.fence();
      if ((m.load(next->cpumask(cpu.mask_word), relaxed) & cpu.mask_bit) != 0) [[unlikely]] {
        m.fetch_and(next->cpumask(cpu.mask_word), ~cpu.mask_bit, relaxed);
        tlb::drop(cpu, next);
      }
      cpu.pgd = m.load(next->pgd, relaxed);
    }
    m.store(cpu.loaded_mm, next, relaxed);
    if (own.not_lazy) m.fetch_sub(arch_state<PerMm>(prev).active, 1, relaxed);
    own.not_lazy = true;
  }

  // tlb_flush_check(), and what follows from it.
  template <class M>
  static void flush_tlb_mm(M& m, Cpu<M>& cpu, Mm<M>* mm, Freed freed = Freed::pages) {
    using enum std::memory_order;
    PreemptOff<M> preempt(cpu);
    if (m.load(arch_state<PerMm>(mm).active, relaxed) <= 1) {
      const bool is_local =
          m.load(m.load(cpu.curr, relaxed)->active_mm, relaxed) == mm && arch_state<PerCpu>(cpu).not_lazy;
      for (unsigned w = 0; w < cpu.targets.words(); ++w) m.store(mm->cpumask(w), ~std::uint64_t{0}, relaxed);
      m.fence();
      const std::int32_t active = m.load(arch_state<PerMm>(mm).active, relaxed);
      if (active <= 1 && is_local) {
        m.fetch_and(mm->cpumask(cpu.mask_word), ~cpu.mask_bit, relaxed);
        tlb::drop(cpu, mm);
        return;
      }
      if (active == 0) return;
    }
    Arm64::flush_tlb_mm(m, cpu, mm, freed);
  }
};

}  // namespace mmscale::kernel::lifecycle
