// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "kernel/lifecycle/x86.h"

namespace mmscale::kernel::lifecycle {

// Since 209954cbc7d0 (Linux 6.14): the bit is set when it is clear and stays when the CPU moves on; the first flush that
// finds another mm loaded clears it, on the flushing CPU too (20241205104630.755706ca@fangorn, same release).
struct X86LazyMask {
  // Nanoseconds between two trims of one mm's mask: once a second (should_trim_cpumask).
  static constexpr std::uint64_t kTrimInterval = 1'000'000'000;

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
  MMSCALE_INLINE static void enter_mask(M& m, Cpu<M>& cpu, Mm<M>*, Mm<M>* next) {
    using enum std::memory_order;
    m.store(cpu.loaded_mm, loaded_mm_switching<Mm<M>>(), relaxed);
    if (next != &cpu.system->init_mm && (m.load(next->cpumask(cpu.mask_word), relaxed) & cpu.mask_bit) == 0)
      m.fetch_or(next->cpumask(cpu.mask_word), cpu.mask_bit, seq_cst);
    else
      m.fence();
  }

  // flush_tlb_func(), reason "remote wrong CPU".
  template <class M>
  static void found_elsewhere(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    m.fetch_and(mm->cpumask(cpu.mask_word), ~cpu.mask_bit, std::memory_order_relaxed);
  }

  // should_flush_tlb(). loaded_mm is read before is_lazy, as they are written.
  template <class M>
  static bool needs_flush(M& m, Cpu<M>& other, Mm<M>* mm, bool trim) {
    auto* const loaded = m.load(other.loaded_mm, std::memory_order_acquire);
    if (is_lazy(m, other)) return false;
    return loaded == loaded_mm_switching<Mm<M>>() || loaded == mm || trim;
  }

  // Once for each flush (info->trim_cpumask), whoever it then finds elsewhere.
  template <class M>
  static bool should_trim_cpumask(M& m, Mm<M>* mm) {
    using enum std::memory_order;
    auto& next_trim = arch_state<X86PerMm>(mm).next_trim;
    const std::uint64_t now = m.now();
    const std::uint64_t due = m.load(next_trim, relaxed);
    if (due > now) return false;
    m.store(next_trim, now + kTrimInterval, relaxed);
    return due != 0;
  }
};

// x86, Linux 6.14 and 6.15. Losing the bit of an mm that active_mm still names takes two flushes that free page tables
// (the first moves loaded_mm, the second finds it moved), or leave_mm and one. One exit that maps more than about 1 GiB by
// 4 KiB pages makes two by itself (Mm::exit_flushes).
struct X86_2024 : X86<X86_2024, X86Switch<X86LazyMask>> {
  static constexpr std::string_view kName = "x86-2024";
  static constexpr std::string_view kWhat =
      "x86, 6.14 and 6.15: the bit stays until a flush finds another mm loaded";
};

}  // namespace mmscale::kernel::lifecycle
