// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/preempt.h"
#include "kernel/smp.h"
#include "kernel/tlb.h"

namespace mmscale::kernel::lifecycle {

// RISC-V with ASIDs (arch/riscv/mm/context.c and tlbflush.c, read at 6.12 and at the linux-riscv tree of late 2025). A bit
// is set at every switch to the mm and cleared never: an ASID's entries outlive the switch (82dd33fde026, 6.3; without
// ASIDs, and before, prev's bit is cleared behind the setting of next's). So the mask is a superset of all borrowers.
//
// A flush goes to everybody in the mask, lazy or not; its handler flushes and moves nobody. It is an interrupt where the
// kernel sends IPIs by itself (IMSIC), and a call of the SBI firmware elsewhere, which interrupts below the kernel. Flushes
// that lazy CPUs put off until they switch (20251030135652.63837-1-luxu.kernel@bytedance.com) are posted, not merged.
struct Riscv : DefaultLifecycle {
  static constexpr std::string_view kName = "riscv";
  static constexpr std::string_view kWhat =
      "RISC-V with ASIDs: bit set at every change of mm, never cleared; flushes interrupt the mask and move "
      "nobody";
  static constexpr std::string_view kAbsent =
      "writing satp, sfence.vma, ASID rollover, TLB misses after a switch";
  // efi_virtmap_load(): switch_mm(current->active_mm, &efi_mm, NULL).
  static constexpr Efi kEfi = Efi::under_active_mm;

  template <class M>
  struct PerCpu {
    // active_context: a rollover on another CPU takes it away.
    Atomic<M, std::uint64_t> active_context{0};
  };

  template <class M>
  struct PerMm {
    // mm->context.id
    Atomic<M, std::uint64_t> id{0};
    void reset(M& m) { m.store(id, reinterpret_cast<std::uint64_t>(this), std::memory_order_relaxed); }
  };

  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>* prev, Mm<M>* next) {
    using enum std::memory_order;
    expect_irqs_off(m, cpu, "switch_mm_irqs_off");
    if (prev == next) return;
    // membarrier_arch_switch_mm() (cd9b29014dc6, 6.9): only for processes that registered.
    if (m.load(next->membarrier_state, relaxed) != 0) m.fence();
    m.fetch_or(next->cpumask(cpu.mask_word), cpu.mask_bit, relaxed);
    // set_mm_asid()'s fast path; the exchange stands for atomic_long_cmpxchg_relaxed on this CPU's own word.
    m.exchange(arch_state<PerCpu>(cpu).active_context, m.load(arch_state<PerMm>(next).id, relaxed), relaxed);
    cpu.pgd = m.load(next->pgd, relaxed);
    // The source has no barrier here, and RVWMO does not say how a walk stands to an earlier store of its hart: the bit is
    // taken to be visible before the first walk by the new tables.
    m.fence();
    m.store(cpu.loaded_mm, next, relaxed);
  }

  // __flush_tlb_range()
  template <class M>
  static void flush_tlb_mm(M& m, Cpu<M>& cpu, Mm<M>* mm, Freed = Freed::pages) {
    flush(m, cpu, mm, &Tally::ipis_flush);
  }

  template <class M>
  static void exit_flush(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    flush(m, cpu, mm, &Tally::ipis_exit_flush);
  }

 private:
  template <class M>
  static void flush(M& m, Cpu<M>& cpu, Mm<M>* mm, std::uint64_t Tally::*purpose) {
    PreemptOff<M> preempt(cpu);
    // The unmapping is visible before the mask is read.
    m.fence();
    smp_call_function_many(m, cpu, mm, ipi_flush_tlb<M>, purpose);
    tlb::drop(cpu, mm);
  }

  // __ipi_flush_tlb_range_asid()
  template <class M>
  static void ipi_flush_tlb(M& m, void* info) {
    Cpu<M>& cpu = this_cpu(m);
    auto* const mm = static_cast<Mm<M>*>(info);
    tlb::drop(cpu, mm);
    ++(m.load(cpu.curr, std::memory_order_relaxed)->mm.get(m) == mm ? cpu.tally.ipis_user
                                                                    : cpu.tally.ipis_useless);
  }
};

}  // namespace mmscale::kernel::lifecycle
