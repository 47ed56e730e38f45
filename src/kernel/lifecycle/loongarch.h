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

// LoongArch (arch/loongarch/include/asm/mmu_context.h, mm/tlb.c, kernel/smp.c, read at 6.12 and after). switch_mm ignores
// prev and does the same whether the mm changes or not: it reads the CPU's context and pgd, and sets its bit in the mask by
// an atomic, unconditionally. So every trip through idle and back writes a word that all CPUs of the process share, beside
// mm_count.
//
// A flush interrupts everybody in the mask, lazy or not. What a CPU does then goes by its ASID: if its context of the mm
// is the one it has loaded, it takes a new one and stays; if not, or if the context is gone, it clears its bit. And a
// process of one thread that flushes itself does not interrupt: it takes their contexts away from all other CPUs. A CPU
// that is lazy on the mm keeps its bit through the first kind of flush alone: the second kind, and then the first, take
// it out of the mask with active_mm and the page tables still there. The exit flush is none (mm_users is 0).
struct Loongarch : DefaultLifecycle {
  static constexpr std::string_view kName = "loongarch";
  static constexpr std::string_view kWhat =
      "LoongArch: bit set at every switch; a flush clears it if the CPU's context is gone, lazy or not";
  static constexpr std::string_view kAbsent =
      "writing ASID and PGDL, invtlb, the choice of an ASID, TLB misses after a switch";
  static constexpr bool kSwitchMmComparesPrev = false;
  // smp_store_release() was a full barrier (dbar, or amswap_db) until it was given hints (strel_mb); the rq lock's
  // release, and finish_task()'s, are between the store to rq->curr and user code.
  static constexpr bool kSwitchToIsFullBarrier = true;
  // mm->context.asid[cpu] != 0, one bit for each CPU. In the kernel a word each, so that CPUs of one process share lines
  // there, too, which they mostly read.
  static constexpr unsigned kMasks = 2;

  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>*, Mm<M>* next) {
    using enum std::memory_order;
    expect_irqs_off(m, cpu, "switch_mm_irqs_off");
    auto& contexts = contexts_of(m, cpu, next);
    // asid_valid(), get_new_mmu_context()
    if ((m.load(contexts, relaxed) & cpu.mask_bit) == 0) [[unlikely]] {
      m.fetch_or(contexts, cpu.mask_bit, relaxed);
      tlb::drop(cpu, next);
    }
    cpu.pgd = m.load(next->pgd, relaxed);
    m.store(cpu.loaded_mm, next, relaxed);
    m.fetch_or(next->cpumask(cpu.mask_word), cpu.mask_bit, relaxed);
  }

  // flush_tlb_mm()
  template <class M>
  static void flush_tlb_mm(M& m, Cpu<M>& cpu, Mm<M>* mm, Freed = Freed::pages) {
    using enum std::memory_order;
    const std::int32_t users = m.load(mm->mm_users, relaxed);
    if (users == 0) return;
    PreemptOff<M> preempt(cpu);
    m.fence();
    if (users != 1 || m.load(cpu.curr, relaxed)->mm.get(m) != mm) {
      smp_call_function_many(m, cpu, mm, flush_tlb_mm_ipi<M>, &Tally::ipis_flush);
      if (!this_cpu_of_mm(m, cpu, mm)) return;
      ++cpu.tally.ipis_local;
    } else {
      for (unsigned w = 0; w < cpu.targets.words(); ++w) {
        const std::uint64_t own = w == cpu.mask_word ? cpu.mask_bit : 0;
        if ((m.load(mm->second_mask(w, m.cpus(), *cpu.system), relaxed) & ~own) != 0)
          m.fetch_and(mm->second_mask(w, m.cpus(), *cpu.system), own, relaxed);
      }
    }
    local_flush_tlb_mm(m, cpu, mm);
  }

 private:
  template <class M>
  MMSCALE_INLINE static Atomic<M, std::uint64_t>& contexts_of(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    return mm->second_mask(cpu.mask_word, m.cpus(), *cpu.system);
  }

  // local_flush_tlb_mm(), drop_mmu_context(). False if the CPU left the mask.
  template <class M>
  static bool local_flush_tlb_mm(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    IrqSave irq(m);
    tlb::drop(cpu, mm);
    auto& contexts = contexts_of(m, cpu, mm);
    if ((m.load(contexts, relaxed) & cpu.mask_bit) != 0) {
      Task<M>& task = *m.load(cpu.curr, relaxed);
      if (m.load(cpu.loaded_mm, relaxed) == mm && (task.mm.get(m) == nullptr || task.mm.get(m) == mm))
        return true;
      m.fetch_and(contexts, ~cpu.mask_bit, relaxed);
    }
    m.fetch_and(mm->cpumask(cpu.mask_word), ~cpu.mask_bit, relaxed);
    return false;
  }

  template <class M>
  static void flush_tlb_mm_ipi(M& m, void* info) {
    Cpu<M>& cpu = this_cpu(m);
    auto* const mm = static_cast<Mm<M>*>(info);
    local_flush_tlb_mm(m, cpu, mm);
    ++(m.load(cpu.curr, std::memory_order_relaxed)->mm.get(m) == mm ? cpu.tally.ipis_user
                                                                    : cpu.tally.ipis_useless);
  }
};

}  // namespace mmscale::kernel::lifecycle
