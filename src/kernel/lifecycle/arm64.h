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
struct Arm64 : DefaultLifecycle {
  static constexpr std::string_view kName = "arm64";
  static constexpr std::string_view kWhat =
      "no mm_cpumask, flushes broadcast by the hardware: any CPU may be lazy on any mm";
  static constexpr bool kKeepsMask = false;
  // Writing TTBR0 orders nothing; __switch_to's dsb(ish) does, at every switch.
  static constexpr bool kSwitchToIsFullBarrier = true;
  static constexpr std::string_view kAbsent =
      "writing TTBR0, ASID rollover, broadcast TLBI but for its barriers, TLB misses after a switch";

  template <class M>
  struct PerCpu {
    // active_asids: the ASID this CPU runs with. A rollover on another CPU takes it away, hence an atomic.
    Atomic<M, std::uint64_t> active_asid{0};
  };

  template <class M>
  struct PerMm {
    // mm->context.id
    Atomic<M, std::uint64_t> asid{0};
    void reset(M& m) { m.store(asid, reinterpret_cast<std::uint64_t>(this), std::memory_order_relaxed); }
  };

  // switch_mm(), and check_and_switch_context()'s fast path. The exchange stands for atomic64_cmpxchg_relaxed
  // on this CPU's own word: the same line, the same order, and nobody changes the word in between.
  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>* prev, Mm<M>* next) {
    using enum std::memory_order;
    expect_irqs_off(m, cpu, "switch_mm_irqs_off");
    if (prev == next) return;
    // init_mm: cpu_set_reserved_ttbr0().
    if (next != &cpu.system->init_mm) {
      m.exchange(arch_state<PerCpu>(cpu).active_asid, m.load(arch_state<PerMm>(next).asid, relaxed), relaxed);
      cpu.pgd = m.load(next->pgd, relaxed);
    }
    m.store(cpu.loaded_mm, next, relaxed);
  }

  // flush_tlb_mm(): TLBI ASIDE1IS between two dsb(ish). The broadcast itself cannot be done from user space
  // and is absent; the barriers are here.
  template <class M>
  static void flush_tlb_mm(M& m, Cpu<M>&, Mm<M>* mm, Freed = Freed::pages) {
    m.fence();
    tlb::broadcast(m, mm);
    m.fence();
  }

  // tlb_flush() with fullmm: one flush_tlb_mm, since page tables were freed.
  template <class M>
  static void exit_flush(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    flush_tlb_mm(m, cpu, mm);
  }
};

}  // namespace mmscale::kernel::lifecycle
