// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "kernel/lifecycle/x86.h"

namespace mmscale::kernel::lifecycle {

// x86 since 209954cbc7d0 (Linux 6.14): the bit is set when it is clear and stays when the CPU moves on; the
// first flush IPI that finds another mm loaded clears it. So losing the bit of an mm that active_mm still
// names takes two flushes that free page tables (the first moves loaded_mm, the second finds it moved), or
// leave_mm and one.
//
// Rules is the lifecycle that refines this one.
template <class Rules>
struct X86LazyMask : X86<Rules> {
  // Nanoseconds between two trims of one mm's mask: once a second (should_trim_cpumask).
  static constexpr std::uint64_t kTrimInterval = 1'000'000'000;

  template <class M>
  struct PerMm : X86<Rules>::template PerMm<M> {
    // mm->context.next_trim_cpumask; 0 until the first flush, which starts the clock that the kernel starts
    // at birth.
    Atomic<M, std::uint64_t> next_trim{0};
    void reset(M& m) {
      X86<Rules>::template PerMm<M>::reset(m);
      m.store(next_trim, 0u, std::memory_order_relaxed);
    }
  };

  // The test of the mask is under CONFIG_DEBUG_VM here.
  template <class M>
  MMSCALE_INLINE static void check_own_bit(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    if constexpr (M::checking)
      if (mm != &cpu.system->init_mm)
        expect_in_mask(m, cpu, mm, "switch_mm_irqs_off: the CPU is not in the loaded mm's mask");
  }

  // A CPU that comes back writes nothing shared. The barrier, in the locked bit operation or explicit, puts
  // the bit before the read of tlb_gen, and LOADED_MM_SWITCHING before both, for should_flush_tlb.
  template <class M>
  MMSCALE_INLINE static std::uint64_t enter_mask(M& m, Cpu<M>& cpu, Mm<M>*, Mm<M>* next) {
    using enum std::memory_order;
    m.store(cpu.loaded_mm, loaded_mm_switching<Mm<M>>(), relaxed);
    if (next != &cpu.system->init_mm && (m.load(next->cpumask(cpu.mask_word), relaxed) & cpu.mask_bit) == 0)
      m.fetch_or(next->cpumask(cpu.mask_word), cpu.mask_bit, seq_cst);
    else
      m.fence();
    return m.load(arch_state<PerMm>(next).tlb_gen, relaxed);
  }

  // flush_tlb_func(), reason "remote wrong CPU".
  template <class M>
  static void found_elsewhere(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    m.fetch_and(mm->cpumask(cpu.mask_word), ~cpu.mask_bit, std::memory_order_relaxed);
  }

  // should_flush_tlb(). loaded_mm is read before is_lazy, as they are written.
  template <class M>
  static bool needs_flush(M& m, Cpu<M>& cpu, unsigned other, Mm<M>* mm, Freed freed) {
    using enum std::memory_order;
    if (freed == Freed::page_tables) return true;
    auto* const loaded = m.load(cpu.system->cpus[other]->loaded_mm, acquire);
    if (X86<Rules>::is_lazy(m, other, cpu)) return false;
    return loaded == loaded_mm_switching<Mm<M>>() || loaded == mm || should_trim_cpumask(m, mm);
  }

 private:
  template <class M>
  static bool should_trim_cpumask(M& m, Mm<M>* mm) {
    using enum std::memory_order;
    const std::uint64_t now = m.now();
    const std::uint64_t due = m.load(arch_state<PerMm>(mm).next_trim, relaxed);
    if (due > now) return false;
    m.store(arch_state<PerMm>(mm).next_trim, now + kTrimInterval, relaxed);
    return due != 0;
  }
};

struct X86_2024 : X86LazyMask<X86_2024> {
  static constexpr std::string_view kName = "x86-2024";
  static constexpr std::string_view kWhat =
      "x86 since 6.14: the bit stays until a flush finds another mm loaded";
};

}  // namespace mmscale::kernel::lifecycle
