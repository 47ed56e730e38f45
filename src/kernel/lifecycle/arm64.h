// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"
#include "kernel/tlb.h"

namespace mmscale::kernel::lifecycle {

// arm64 (arch/arm64/include/asm/mmu_context.h, arch/arm64/mm/context.c), 6.12. TLBI is broadcast by the hardware,
// so that no flush interrupts anybody and mm_cpumask is not kept: whoever looks for a borrower must look at
// every CPU. active_mm is what is loaded, but while firmware runs. The ASID is taken to be of the current generation; a
// rollover, one in 2^16 mms, is absent.
//
// enter_lazy_tlb() is arm64's own, but writes the task's saved TTBR0 alone, and that only where PAN is emulated; there
// switch_mm() also reads pgd and ASID of an mm that was loaded before. Machines of the last ten years have PAN.
struct Arm64 : DefaultLifecycle {
  static constexpr std::string_view kName = "arm64";
  static constexpr std::string_view kWhat =
      "no mm_cpumask, flushes broadcast by the hardware: any CPU may be lazy on any mm";
  static constexpr bool kKeepsMask = false;
  // Writing TTBR0 orders nothing; __switch_to's dsb(ish) does, at every switch.
  static constexpr bool kSwitchToIsFullBarrier = true;
  // efi_virtmap_load(): efi_mm is loaded by __switch_mm() and active_mm stays, until a5baf582f4c0.
  static constexpr Efi kEfi = Efi::under_active_mm;
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

  // An idle state that loses the CPU's context (PSCI): cpu_suspend() leaves on the identity map, and cpu_uninstall_idmap()
  // loads what active_mm points to when the CPU is back, interrupts off all the while.
  template <class M>
  static void enter_deep_idle(M& m, Cpu<M>& cpu) {
    using enum std::memory_order;
    IrqSave irq(m);
    auto* const mm = m.load(m.load(cpu.curr, relaxed)->active_mm, relaxed);
    if (mm == &cpu.system->init_mm) return;
    use_borrow(m, cpu, mm, "cpu_uninstall_idmap");
    cpu.pgd = m.load(mm->pgd, relaxed);
  }

  // flush_tlb_mm(): TLBI ASIDE1IS between two dsb(ish). The broadcast itself cannot be done from user space
  // and is absent; the barriers are here.
  template <class M>
  static void flush_tlb_mm(M& m, Cpu<M>&, Mm<M>* mm, Freed = Freed::pages) {
    m.fence();
    tlb::broadcast(m, mm);
    m.fence();
  }
};

// arm64 since a5baf582f4c0 ("arm64/efi: Call EFI runtime services without disabling preemption", late in 2025): firmware
// is called by a kernel thread that uses efi_mm, so that active_mm says what is loaded then, too. The way back from
// suspend reads active_mm as before.
struct Arm64_2025 : Arm64 {
  static constexpr std::string_view kName = "arm64-2025";
  static constexpr std::string_view kWhat = "arm64 since late 2025: firmware by kthread_use_mm";
  static constexpr Efi kEfi = Efi::kthread_uses_it;
};

}  // namespace mmscale::kernel::lifecycle
