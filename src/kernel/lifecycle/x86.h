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

template <class M>
struct X86PerCpu {
  // cpu_tlbstate_shared.is_lazy: on a line of its own, since flushing CPUs read it.
  Atomic<M, std::uint32_t> is_lazy{0};
  // cpu_tlbstate.ctxs[loaded_mm_asid].tlb_gen: which of the mm's flushes this CPU has seen.
  alignas(machine::kApart) std::uint64_t tlb_gen = 0;
};

template <class M>
struct X86PerMm {
  // mm->context.tlb_gen: how often the mm was flushed, from 1.
  Atomic<M, std::uint64_t> tlb_gen{1};
  // mm->context.next_trim_cpumask; 0 until the first flush, which starts the clock that the kernel starts
  // at birth.
  Atomic<M, std::uint64_t> next_trim{0};
  void reset(M& m) {
    m.store(tlb_gen, 1u, std::memory_order_relaxed);
    m.store(next_trim, 0u, std::memory_order_relaxed);
  }
};

// tlb_is_not_lazy(), and should_flush_tlb()'s first test.
template <class M>
bool is_lazy(M& m, Cpu<M>& other) {
  return m.load(arch_state<X86PerCpu>(other).is_lazy, std::memory_order_relaxed) != 0;
}

// What a switch does. Lifecycles that inherit the same one are measured by the same loop. `Mask` says how a CPU's own bit
// follows what it has loaded:
//
//   check_own_bit(m, cpu, mm)          switch_mm to the mm that is loaded already
//   enter_mask(m, cpu, prev, next)     marks loaded_mm as switching, changes the masks
//   found_elsewhere(m, cpu, mm)        a flush for mm finds that this CPU has another mm loaded
//   needs_flush(m, other, mm, trim)    whether a flush that freed no page tables interrupts CPU `other` of the mask
//   should_trim_cpumask(m, mm)         whether this flush interrupts CPUs of the mask that have another mm loaded
template <class TheMask>
struct X86Switch : DefaultLifecycle {
  using Mask = TheMask;

  static constexpr bool kTotalStoreOrder = true;
  static constexpr bool kIsX86 = true;
  static constexpr bool kSwitchMmComparesPrev = false;
  // Writing CR3 serialises. It cannot be written from user space: a full barrier stands for its order, its
  // 250 to 300 cycles and the TLB misses behind it are absent.
  static constexpr bool kSwitchMmIsFullBarrier = true;
  static constexpr std::string_view kAbsent =
      "writing CR3 but for its barrier (250 to 300 cycles), the choice of an ASID, INVLPG, TLB misses after "
      "a switch";

  template <class M>
  using PerCpu = X86PerCpu<M>;
  template <class M>
  using PerMm = X86PerMm<M>;

  template <class M>
  MMSCALE_INLINE static void enter_lazy_tlb(M& m, Cpu<M>& cpu, Mm<M>*) {
    using enum std::memory_order;
    if (m.load(cpu.loaded_mm, relaxed) == &cpu.system->init_mm) return;
    m.store(arch_state<X86PerCpu>(cpu).is_lazy, 1u, relaxed);
  }

  // switch_mm_irqs_off(): what was loaded is loaded_mm; the scheduler's prev is ignored.
  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>*, Mm<M>* next) {
    using enum std::memory_order;
    expect_irqs_off(m, cpu, "switch_mm_irqs_off");
    auto* const prev = m.load(cpu.loaded_mm, relaxed);
    const bool was_lazy = m.load(arch_state<X86PerCpu>(cpu).is_lazy, relaxed) != 0;
    if (was_lazy) m.store(arch_state<X86PerCpu>(cpu).is_lazy, 0u, relaxed);
    std::uint64_t tlb_gen;
    if (prev == next) {
      Mask::check_own_bit(m, cpu, next);
      if (!was_lazy) return;
      // smp_mb(): pairs with the increment of tlb_gen in flush_tlb_mm. Either that CPU sees is_lazy clear and
      // interrupts this one, or this one sees the new tlb_gen. Also membarrier's barrier for user -> kernel
      // -> same user.
      m.fence();
      tlb_gen = m.load(arch_state<X86PerMm>(next).tlb_gen, relaxed);
      if (arch_state<X86PerCpu>(cpu).tlb_gen == tlb_gen) return;
    } else {
      Mask::enter_mask(m, cpu, prev, next);
      tlb_gen = m.load(arch_state<X86PerMm>(next).tlb_gen, relaxed);
    }
    // load_new_mm_cr3(), which leaves nothing in the TLB of the one context.
    tlb::drop(cpu, prev);
    tlb::drop(cpu, next);
    cpu.pgd = m.load(next->pgd, relaxed);
    m.fence();
    m.store(cpu.loaded_mm, next, relaxed);
    arch_state<X86PerCpu>(cpu).tlb_gen = tlb_gen;
  }
};

// Flushes. `Rules` is the lifecycle itself, and may replace what is behind "Rules" here.
template <class Rules, class Switch>
struct X86 : Switch {
  // efi_enter_mm() of 6.12 and before.
  static constexpr Efi kEfi = Efi::active_mm_aside;

  // leave_mm(): an idle state that loses the TLB anyway (CPUIDLE_FLAG_TLB_FLUSHED: Intel C6, ACPI C3) leaves
  // the page tables too, so that flushes spare the sleeping CPU. current->active_mm is not touched.
  template <class M>
  static void enter_deep_idle(M& m, Cpu<M>& cpu) {
    IrqSave irq(m);
    if (m.load(cpu.loaded_mm, std::memory_order_relaxed) != &cpu.system->init_mm)
      Rules::leave_lazy_mm(m, cpu);
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

  // ---- Rules --------------------------------------------------------------------------------------------

  // A lazy CPU lets go of its page tables, interrupts off.
  template <class M>
  static void leave_lazy_mm(M& m, Cpu<M>& cpu) {
    Switch::switch_mm_irqs_off(m, cpu, static_cast<Mm<M>*>(nullptr), &cpu.system->init_mm);
  }
  // Flushes by an instruction that interrupts nobody, if this mm is flushed that way.
  template <class M>
  static bool broadcast_tlb_flush(M&, Cpu<M>&, Mm<M>*, Freed, std::uint64_t Tally::*) {
    return false;
  }
  // Behind a flush by interrupt.
  template <class M>
  static void consider_global_asid(M&, Cpu<M>&, Mm<M>*) {}
  // In the handler, mm being loaded: true if nothing is left to do.
  template <class M>
  static bool reload_asid(M&, Cpu<M>&, Mm<M>*) {
    return false;
  }
  // Everyone in the mask is interrupted, lazy or not.
  template <class M>
  static bool flushes_all(M&, Mm<M>*, Freed freed, bool) {
    return freed == Freed::page_tables;
  }
  // A paravirtual flush takes CPUs out that need none.
  template <class M>
  static void spare(M&, Cpu<M>&, machine::CpuMask&) {}

 protected:
  // flush_tlb_multi(): native_flush_tlb_multi() and its local part.
  template <class M>
  static void flush_tlb_multi(M& m, Cpu<M>& cpu, Mm<M>* mm, machine::CpuMask& targets, Freed freed, bool trim,
                              std::uint64_t Tally::*purpose) {
    const bool all = Rules::flushes_all(m, mm, freed, trim);
    Rules::spare(m, cpu, targets);
    if (!all)
      targets.for_each([&](unsigned other) {
        if (!Switch::Mask::needs_flush(m, *cpu.system->cpus[other], mm, trim)) targets.reset(other);
      });
    smp_call_function_many(m, cpu, targets, mm, flush_tlb_func_remote<M>, purpose);
    if (!this_cpu_of_mm(m, cpu, mm)) return;
    if (!all && !Switch::Mask::needs_flush(m, cpu, mm, trim)) return;
    ++cpu.tally.ipis_local;
    IrqSave irq(m);
    flush_tlb_func(m, cpu, mm);
  }

  enum class Found { elsewhere, lazy, user };

  // flush_tlb_func(): interrupts off. A lazy CPU must forget the page tables at once, and switching to init_mm costs
  // no more than the least flush. A CPU that runs in `mm` catches up; the flush itself (INVLPG, CR3) is absent.
  template <class M>
  static Found flush_tlb_func(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    expect_irqs_off(m, cpu, "flush_tlb_func");
    if (m.load(cpu.loaded_mm, relaxed) != mm) {
      Switch::Mask::found_elsewhere(m, cpu, mm);
      return Found::elsewhere;
    }
    if (Rules::reload_asid(m, cpu, mm)) return Found::user;
    if (is_lazy(m, cpu)) {
      Rules::leave_lazy_mm(m, cpu);
      return Found::lazy;
    }
    arch_state<X86PerCpu>(cpu).tlb_gen = m.load(arch_state<X86PerMm>(mm).tlb_gen, relaxed);
    tlb::drop(cpu, mm);
    return Found::user;
  }

 private:
  template <class M>
  static void flush_tlb_mm_range(M& m, Cpu<M>& cpu, Mm<M>* mm, Freed freed, std::uint64_t Tally::*purpose) {
    using enum std::memory_order;
    PreemptOff<M> preempt(cpu);
    // inc_mm_tlb_gen(): "also a barrier that synchronizes with switch_mm()". The flushed page table entries
    // are before it, the reads of mask and is_lazy behind.
    m.fetch_add(arch_state<X86PerMm>(mm).tlb_gen, std::uint64_t{1}, seq_cst);
    if (Rules::broadcast_tlb_flush(m, cpu, mm, freed, purpose)) return;
    machine::CpuMask& targets = other_cpus_of_mm(m, cpu, mm);
    if (targets.count() != 0) {
      flush_tlb_multi(m, cpu, mm, targets, freed, Switch::Mask::should_trim_cpumask(m, mm), purpose);
      Rules::consider_global_asid(m, cpu, mm);
    } else if (m.load(cpu.loaded_mm, relaxed) == mm) {
      IrqSave irq(m);
      flush_tlb_func(m, cpu, mm);
    }
  }

  // flush_tlb_func() as an IPI.
  template <class M>
  static void flush_tlb_func_remote(M& m, void* info) {
    Cpu<M>& cpu = this_cpu(m);
    switch (flush_tlb_func(m, cpu, static_cast<Mm<M>*>(info))) {
      case Found::elsewhere:
        ++cpu.tally.ipis_useless;
        break;
      case Found::lazy:
        ++cpu.tally.ipis_useful;
        break;
      case Found::user:
        ++cpu.tally.ipis_user;
        break;
    }
  }
};

}  // namespace mmscale::kernel::lifecycle
