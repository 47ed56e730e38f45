// SPDX-License-Identifier: MIT
//
// What a powerpc Book3S-64 radix kernel does to mm_cpumask and active_mm behind the scheduler's back
// (arch/powerpc/mm/mmu_context.c, arch/powerpc/mm/book3s64/radix_tlb.c, Linux 6.12). active_mm is what the
// hardware has loaded, always; a CPU's bit is set when it first switches to an mm and cleared only by that
// CPU itself.
#pragma once

#include <string_view>

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"
#include "kernel/preempt.h"
#include "kernel/smp.h"
#include "kernel/tlb.h"

namespace mmscale::kernel::lifecycle {

struct Powerpc : DefaultLifecycle {
  static constexpr std::string_view kName = "powerpc";
  static constexpr std::string_view kWhat =
      "Book3S-64 radix: bit set on switch-in, trimmed by flush handlers that unlazy first";
  // VM_WARN_ON_ONCE(!cpumask_test_cpu(cpu, mm_cpumask(prev))), arch/powerpc/mm/mmu_context.c.
  static constexpr bool kSwitchMmReadsPrev = true;
  static constexpr bool kWantsIrqsOffActivateMm = true;
  static constexpr std::string_view kAbsent =
      "loading the PID register, tlbie and tlbiel, TLB misses after a switch";

  // switch_mm_irqs_off(). The bit is tested before it is set, so that a CPU which comes back writes nothing
  // shared.
  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>* prev, Mm<M>* next) {
    using enum std::memory_order;
    expect_irqs_off(m, cpu, "switch_mm_irqs_off");
    bool new_on_cpu = false;
    if ((m.load(next->cpumask(cpu.mask_word), relaxed) & cpu.mask_bit) == 0) [[unlikely]] {
      m.fetch_or(next->cpumask(cpu.mask_word), cpu.mask_bit, relaxed);
      m.fetch_add(next->active_cpus, 1, relaxed);
      // smp_mb(): the bit is visible before this CPU loads through the new page tables, so that a flush which
      // misses the bit is one whose changes this CPU sees.
      m.fence();
      new_on_cpu = true;
    }
    // switch_mm_pgdir() is empty on Book3S-64: a CPU that comes back to the same mm reads its mask and no more.
    if (prev == next) return;
    cpu.pgd = m.load(next->pgd, relaxed);
    // membarrier_arch_switch_mm(): only for processes that registered, and only if the set bit's barrier did
    // not come first.
    if (!new_on_cpu && m.load(next->membarrier_state, relaxed) != 0) m.fence();
    m.store(cpu.loaded_mm, next, relaxed);
  }

  // The full-mm flush of exit_mmap (radix__tlb_flush). Broadcast tlbie does it without an interrupt, except
  // where lazy borrows are shot down along with it: then every other CPU of the mask is interrupted, and the
  // sender, who is lazy on this mm himself, is left out. Of the flush behind that only this is here: where he
  // alone is left in the mask, flush_type_needed has him trim himself, on the clock, and the last drop finds
  // nobody. The clock ticks before anything is looked at: the deaths between cost no more for it.
  template <class M>
  static void exit_flush(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    if (cpu.system->scheme.rides_exit_flush) {
      PreemptOff<M> preempt(cpu);
      m.fence();
      smp_call_function_many(m, cpu, mm, do_exit_flush_lazy_tlb<M>, &Tally::ipis_exit_flush);
      if (trim_clock_ticks(cpu) && m.load(mm->active_cpus, relaxed) == 1 &&
          (m.load(mm->cpumask(cpu.mask_word), relaxed) & cpu.mask_bit) != 0)
        exit_lazy_flush_tlb(m, cpu, mm);
    }
  }

  // A flush of an mm that lives on, by CPU `cpu` (flush_type_needed): what it does to the mask, whatever was
  // freed. A single-threaded process that flushes itself trims its mask to this CPU; others do so at one
  // flush in 1,073 (Rules::trim_timer).
  template <class M>
  static void flush_tlb_mm(M& m, Cpu<M>& cpu, Mm<M>* mm, Freed = Freed::pages) {
    using enum std::memory_order;
    PreemptOff<M> preempt(cpu);
    // smp_mb(): the page tables are changed before active_cpus and the mask are read; pairs with switch_mm's.
    m.fence();
    const std::int32_t active = m.load(mm->active_cpus, relaxed);
    if (active == 0) return;
    const bool on_this_cpu = (m.load(mm->cpumask(cpu.mask_word), relaxed) & cpu.mask_bit) != 0;
    const bool current = m.load(cpu.curr, relaxed)->mm.get(m) == mm;
    if (active == 1 && on_this_cpu) {
      if (!current && trim_clock_ticks(cpu))
        exit_lazy_flush_tlb(m, cpu, mm);
      else
        tlb::drop(cpu, mm);  // FLUSH_TYPE_LOCAL: tlbiel
      return;
    }
    if (m.load(mm->mm_users, relaxed) <= 1 && current) {
      smp_call_function_many(m, cpu, mm, do_exit_flush_lazy_tlb<M>, &Tally::ipis_trim);
      tlb::drop(cpu, mm);
    } else if (trim_clock_ticks(cpu)) {
      smp_call_function_many(m, cpu, mm, do_exit_flush_lazy_tlb<M>, &Tally::ipis_trim);
      if (current)
        tlb::drop(cpu, mm);
      else if ((m.load(mm->cpumask(cpu.mask_word), relaxed) & cpu.mask_bit) != 0)
        exit_lazy_flush_tlb(m, cpu, mm);
    } else {
      tlb::broadcast(m, mm);  // FLUSH_TYPE_GLOBAL: tlbie
    }
  }

  // Takes this CPU out of the mask, active_cpus included. Interrupts off. Release: it may be the CPU's last
  // access to an mm whose dropper then need not ask it.
  template <class M>
  static void leave_mask(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    if ((m.load(mm->cpumask(cpu.mask_word), relaxed) & cpu.mask_bit) == 0) return;
    m.fetch_sub(mm->active_cpus, 1, relaxed);
    m.fetch_and(mm->cpumask(cpu.mask_word), ~cpu.mask_bit, release);
  }

  // cleanup_cpu_mmu_context() -> clear_tasks_mm_cpumask() (kernel/cpu.c), on the CPU that goes offline,
  // interrupts off: out of the mask of every mm that a task lives in. The mms of the dead that lazy CPUs
  // still hold are not found.
  template <class M>
  static void cpu_disable(M& m, Cpu<M>& cpu) {
    using enum std::memory_order;
    cpu.system->slab.for_each_live(m, [&](Mm<M>& mm) {
      if (&mm == &cpu.system->init_mm || m.load(mm.mm_users, relaxed) == 0) return;
      if ((m.fetch_and(mm.cpumask(cpu.mask_word), ~cpu.mask_bit, relaxed) & cpu.mask_bit) != 0)
        m.fetch_sub(mm.active_cpus, 1, relaxed);
    });
  }

 private:
  template <class C>
  static bool trim_clock_ticks(C& cpu) {
    if (++cpu.trim_clock < cpu.system->rules.trim_timer) return false;
    cpu.trim_clock = 0;
    return true;
  }

  // exit_lazy_flush_tlb(): a lazy CPU moves to init_mm first, then leaves the mask; a CPU whose current task
  // is a real user stays. True if the CPU was lazy on mm. Interrupts are off in the IPI. A flush that trims its
  // own CPU (flush_type_needed) calls it with interrupts on, and turns them off for the move alone, since
  // dfaed3e1fa70 (6.4): another trimmer's IPI may come between the tests and what they decide.
  template <class M>
  static bool exit_lazy_flush_tlb(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    Task<M>& task = *m.load(cpu.curr, relaxed);
    bool was_lazy = false;
    if (task.mm.get(m) != mm) {
      const std::uint32_t life = cpu.borrowed_generation;
      was_lazy = m.load(task.active_mm, relaxed) == mm;
      // unlazy drops this CPU's lazy reference, never the last one: who flushes holds the mm.
      if (was_lazy) unlazy(m, cpu, mm, life);
      leave_mask(m, cpu, mm);
    }
    // always_flush, which both callers ask for.
    tlb::drop(cpu, mm);
    return was_lazy;
  }

  template <class M>
  static void do_exit_flush_lazy_tlb(M& m, void* info) {
    Cpu<M>& cpu = this_cpu(m);
    ++(exit_lazy_flush_tlb(m, cpu, static_cast<Mm<M>*>(info)) ? cpu.tally.ipis_useful
                                                              : cpu.tally.ipis_useless);
  }
};

}  // namespace mmscale::kernel::lifecycle
