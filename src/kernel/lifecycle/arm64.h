// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/tlb.h"

namespace mmscale::kernel::lifecycle {

// arm64 (arch/arm64/include/asm/mmu_context.h, arch/arm64/mm/context.c). TLBI is broadcast by the hardware,
// so that no flush interrupts anybody and mm_cpumask is not kept: whoever looks for a borrower must look at
// every CPU. active_mm is what is loaded, always. The ASID is taken to be of the current generation; a
// rollover, one in 2^16 mms, is absent.
struct Arm64 {
  static constexpr std::string_view kName = "arm64";
  static constexpr std::string_view kWhat =
      "no mm_cpumask, flushes broadcast by the hardware: any CPU may be lazy on any mm";
  static constexpr bool kKeepsMask = false;
  // switch_mm compares prev with next and no more.
  static constexpr bool kSwitchMmReadsPrev = false;
  static constexpr bool kSwitchMmComparesPrev = true;
  // Writing TTBR0 orders nothing; __switch_to's dsb(ish) does, at every switch.
  static constexpr bool kSwitchMmIsFullBarrier = false;
  static constexpr bool kSwitchToIsFullBarrier = true;
  static constexpr bool kWantsIrqsOffActivateMm = false;
  static constexpr std::string_view kAbsent =
      "writing TTBR0, ASID rollover, broadcast TLBI but for its barriers, TLB misses after a switch";

  template <class K>
  struct PerCpu {
    // active_asids: the ASID this CPU runs with. A rollover on another CPU takes it away, hence an atomic.
    typename K::Machine::template Atomic<std::uint64_t> active_asid{0};
  };

  template <class K>
  struct PerMm {
    // mm->context.id
    typename K::Machine::template Atomic<std::uint64_t> asid{0};
    void reset(typename K::Machine& m) {
      m.store(asid, reinterpret_cast<std::uint64_t>(this), std::memory_order_relaxed);
    }
  };

  // asm-generic's enter_lazy_tlb.
  template <class K>
  MMSCALE_INLINE static void enter_lazy_tlb(typename K::Machine&, Cpu<K>&, typename Task<K>::Mm*) {}

  // switch_mm(), and check_and_switch_context()'s fast path. The exchange stands for atomic64_cmpxchg_relaxed
  // on this CPU's own word: the same line, the same order, and nobody changes the word in between.
  template <class K>
  MMSCALE_INLINE static void switch_mm_irqs_off(typename K::Machine& m, Cpu<K>& cpu,
                                                typename Task<K>::Mm* prev, typename Task<K>::Mm* next) {
    using enum std::memory_order;
    expect_irqs_off<K>(m, cpu, "switch_mm_irqs_off");
    if (prev == next) return;
    // init_mm: cpu_set_reserved_ttbr0().
    if (next != &cpu.system->init_mm) {
      m.exchange(cpu.lifecycle.active_asid, m.load(next->lifecycle.asid, relaxed), relaxed);
      cpu.pgd = m.load(next->pgd, relaxed);
    }
    m.store(cpu.loaded_mm, next, relaxed);
  }

  // flush_tlb_mm(): TLBI ASIDE1IS between two dsb(ish). The broadcast itself cannot be done from user space
  // and is absent; the barriers are here.
  template <class K>
  static void flush_tlb_mm(typename K::Machine& m, Cpu<K>&, typename Task<K>::Mm* mm, Freed = Freed::pages) {
    m.fence();
    tlb::broadcast<K>(m, mm);
    m.fence();
  }

  // tlb_flush() with fullmm: one flush_tlb_mm, since page tables were freed.
  template <class K>
  static void exit_flush(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    flush_tlb_mm<K>(m, cpu, mm);
  }
};

}  // namespace mmscale::kernel::lifecycle
