// SPDX-License-Identifier: MIT
//
// What all x86 lifecycles share (arch/x86/mm/tlb.c): the kernel's TLB code goes by its own per-CPU loaded_mm
// and ignores active_mm, since 3d28ebceaffa (2017). A lazy CPU keeps its page tables loaded and says so in
// is_lazy; flushes leave it alone and it catches up through tlb_gen, unless page tables are freed: then it is
// interrupted and moves loaded_mm to init_mm, behind the scheduler's back, and active_mm goes on pointing at
// the user mm.
//
// One context per CPU: which of the six ASIDs (PCID) an mm gets, and so whether the TLB survives a switch, is
// absent.
#pragma once

#include <cstdint>

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/preempt.h"
#include "kernel/smp.h"
#include "kernel/tlb.h"

namespace mmscale::kernel::lifecycle {

// LOADED_MM_SWITCHING: the page tables are between two mms. Never dereferenced.
template <class Mm>
Mm* loaded_mm_switching() {
  return reinterpret_cast<Mm*>(std::uintptr_t{1});
}

// `Rules` is the lifecycle itself; it supplies
//
//   check_own_bit(m, cpu, mm)                   switch_mm to the mm that is loaded already
//   enter_mask(m, cpu, prev, next)              marks loaded_mm as switching, changes the masks, reads next's tlb_gen
//   found_elsewhere(m, cpu, mm)                 a flush for mm reached a CPU that has another mm loaded
//   needs_flush(m, cpu, other, mm, freed)       whether a flush interrupts CPU `other` of the mask
template <class Rules>
struct X86 : DefaultLifecycle {
  static constexpr bool kTotalStoreOrder = true;
  static constexpr bool kSwitchMmComparesPrev = false;
  // Writing CR3 serialises. It cannot be written from user space: a full barrier stands for its order, its
  // 250 to 300 cycles and the TLB misses behind it are absent.
  static constexpr bool kSwitchMmIsFullBarrier = true;
  // efi_enter_mm(): firmware is called in a kernel thread that puts its active_mm aside (kernel/efi.h).
  static constexpr bool kEfiPutsActiveMmAside = true;
  static constexpr std::string_view kAbsent =
      "writing CR3 but for its barrier (250 to 300 cycles), the choice of an ASID, INVLPG, TLB misses after "
      "a switch";

  template <class M>
  struct PerCpu {
    // cpu_tlbstate_shared.is_lazy: on a line of its own, since flushing CPUs read it.
    Atomic<M, std::uint32_t> is_lazy{0};
    // cpu_tlbstate.ctxs[loaded_mm_asid].tlb_gen: which of the mm's flushes this CPU has seen.
    alignas(machine::kApart) std::uint64_t tlb_gen = 0;
  };

  template <class M>
  struct PerMm {
    // mm->context.tlb_gen: how often the mm was flushed, from 1.
    Atomic<M, std::uint64_t> tlb_gen{1};
    void reset(M& m) { m.store(tlb_gen, 1u, std::memory_order_relaxed); }
  };

  template <class M>
  MMSCALE_INLINE static void enter_lazy_tlb(M& m, Cpu<M>& cpu, Mm<M>*) {
    using enum std::memory_order;
    if (m.load(cpu.loaded_mm, relaxed) == &cpu.system->init_mm) return;
    m.store(arch_state<PerCpu>(cpu).is_lazy, 1u, relaxed);
  }

  // switch_mm_irqs_off(): what was loaded is loaded_mm; the scheduler's prev is ignored.
  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>*, Mm<M>* next) {
    using enum std::memory_order;
    expect_irqs_off(m, cpu, "switch_mm_irqs_off");
    auto* const prev = m.load(cpu.loaded_mm, relaxed);
    const bool was_lazy = m.load(arch_state<PerCpu>(cpu).is_lazy, relaxed) != 0;
    if (was_lazy) m.store(arch_state<PerCpu>(cpu).is_lazy, 0u, relaxed);
    std::uint64_t tlb_gen;
    if (prev == next) {
      Rules::check_own_bit(m, cpu, next);
      if (!was_lazy) return;
      // smp_mb(): pairs with the increment of tlb_gen in flush_tlb_mm. Either that CPU sees is_lazy clear and
      // interrupts this one, or this one sees the new tlb_gen. Also membarrier's barrier for user -> kernel
      // -> same user.
      m.fence();
      tlb_gen = m.load(arch_state<PerMm>(next).tlb_gen, relaxed);
      if (arch_state<PerCpu>(cpu).tlb_gen == tlb_gen) return;
    } else {
      tlb_gen = Rules::enter_mask(m, cpu, prev, next);
    }
    // load_new_mm_cr3(), which leaves nothing in the TLB of the one context.
    tlb::drop(cpu, prev);
    tlb::drop(cpu, next);
    cpu.pgd = m.load(next->pgd, relaxed);
    m.fence();
    m.store(cpu.loaded_mm, next, relaxed);
    arch_state<PerCpu>(cpu).tlb_gen = tlb_gen;
  }

  // leave_mm(): an idle state that loses the TLB anyway (CPUIDLE_FLAG_TLB_FLUSHED: Intel C6, ACPI C3) leaves
  // the page tables too, so that flushes spare the sleeping CPU. current->active_mm is not touched.
  template <class M>
  static void enter_deep_idle(M& m, Cpu<M>& cpu) {
    IrqSave irq(m);
    auto* const init_mm = &cpu.system->init_mm;
    if (m.load(cpu.loaded_mm, std::memory_order_relaxed) != init_mm)
      switch_mm_irqs_off<M>(m, cpu, nullptr, init_mm);
  }

  // exit_mmap's tlb_finish_mmu(): page tables were freed, so everyone in the mask is interrupted, and the
  // sender, who is lazy on this mm since exit_mm, moves too.
  template <class M>
  static void exit_flush(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    flush_tlb_mm_range(m, cpu, mm, Freed::page_tables, &Tally::ipis_exit_flush);
  }

  template <class M>
  static void flush_tlb_mm(M& m, Cpu<M>& cpu, Mm<M>* mm, Freed freed = Freed::pages) {
    flush_tlb_mm_range(m, cpu, mm, freed, &Tally::ipis_flush);
  }

 protected:
  // tlb_is_not_lazy(), and should_flush_tlb()'s first test.
  template <class M>
  static bool is_lazy(M& m, unsigned other, Cpu<M>& cpu) {
    return m.load(arch_state<PerCpu>(*cpu.system->cpus[other]).is_lazy, std::memory_order_relaxed) != 0;
  }

 private:
  template <class M>
  static void flush_tlb_mm_range(M& m, Cpu<M>& cpu, Mm<M>* mm, Freed freed, std::uint64_t Tally::*purpose) {
    using enum std::memory_order;
    PreemptOff<M> preempt(cpu);
    // inc_mm_tlb_gen(): "also a barrier that synchronizes with switch_mm()". The flushed page table entries
    // are before it, the reads of mask and is_lazy behind.
    m.fetch_add(arch_state<PerMm>(mm).tlb_gen, std::uint64_t{1}, seq_cst);
    machine::CpuMask& targets = other_cpus_of_mm(m, cpu, mm);
    if (targets.count() != 0) {
      // native_flush_tlb_multi()
      targets.for_each([&](unsigned other) {
        if (!Rules::needs_flush(m, cpu, other, mm, freed)) targets.reset(other);
      });
      smp_call_function_many(m, cpu, targets, mm, flush_tlb_func_remote<M>, purpose);
      if (!this_cpu_of_mm(m, cpu, mm)) return;
      if (freed == Freed::pages && m.load(arch_state<PerCpu>(cpu).is_lazy, relaxed) != 0) return;
      ++cpu.tally.ipis_local;
    } else if (m.load(cpu.loaded_mm, relaxed) != mm) {
      return;
    }
    IrqSave irq(m);
    flush_tlb_func_local(m, cpu);
  }

  // flush_tlb_func() on the initiating CPU, with interrupts off. It looks at what is loaded, whichever mm
  // that is.
  template <class M>
  static void flush_tlb_func_local(M& m, Cpu<M>& cpu) {
    flush_loaded_mm(m, cpu, m.load(cpu.loaded_mm, std::memory_order_relaxed));
  }

  // flush_tlb_func() as an IPI.
  template <class M>
  static void flush_tlb_func_remote(M& m, void* info) {
    Cpu<M>& cpu = this_cpu(m);
    auto* const mm = static_cast<Mm<M>*>(info);
    if (m.load(cpu.loaded_mm, std::memory_order_relaxed) != mm) {
      Rules::found_elsewhere(m, cpu, mm);
      ++cpu.tally.ipis_useless;
    } else if (flush_loaded_mm(m, cpu, mm)) {
      ++cpu.tally.ipis_useful;
    } else {
      ++cpu.tally.ipis_user;
    }
  }

  // True if the CPU was lazy on `mm`: it must forget the page tables at once, and switching to init_mm costs
  // no more than the least flush. A CPU that runs in `mm` catches up; the flush itself (INVLPG, CR3) is
  // absent.
  template <class M>
  static bool flush_loaded_mm(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    expect_irqs_off(m, cpu, "flush_tlb_func");
    auto* const init_mm = &cpu.system->init_mm;
    if (mm == init_mm) return false;
    if (m.load(arch_state<PerCpu>(cpu).is_lazy, relaxed) != 0) {
      switch_mm_irqs_off<M>(m, cpu, nullptr, init_mm);
      return true;
    }
    arch_state<PerCpu>(cpu).tlb_gen = m.load(arch_state<PerMm>(mm).tlb_gen, relaxed);
    tlb::drop(cpu, mm);
    return false;
  }
};

}  // namespace mmscale::kernel::lifecycle
