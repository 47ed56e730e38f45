// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "kernel/lifecycle/x86.h"

namespace mmscale::kernel::lifecycle {

// A CPU is in the mask of what it has loaded and of nothing else.
struct X86ExactMask {
  // WARN_ON_ONCE(prev != &init_mm && !cpumask_test_cpu(cpu, mm_cpumask(next))), which reads the mask at every
  // switch to what is loaded already.
  template <class M>
  MMSCALE_INLINE static void check_own_bit(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    if (mm == &cpu.system->init_mm || (m.load(mm->cpumask(cpu.mask_word), relaxed) & cpu.mask_bit) != 0)
        [[likely]]
      return;
    report(m, cpu, Violation::assertion, "switch_mm_irqs_off: the CPU is not in the loaded mm's mask");
    m.fetch_or(mm->cpumask(cpu.mask_word), cpu.mask_bit, relaxed);
  }

  // Two locked read-modify-writes on two masks for each change of mm. seq_cst, as x86's set_bit is: tlb_gen
  // must be read after the bit is set, or a flush in between is missed by both; the store to loaded_mm may move behind
  // that read, since nobody looks at another CPU's.
  template <class M>
  MMSCALE_INLINE static void enter_mask(M& m, Cpu<M>& cpu, Mm<M>* prev, Mm<M>* next) {
    using enum std::memory_order;
    auto* const init_mm = &cpu.system->init_mm;
    if (prev != init_mm) m.fetch_and(prev->cpumask(cpu.mask_word), ~cpu.mask_bit, seq_cst);
    if (next != init_mm) m.fetch_or(next->cpumask(cpu.mask_word), cpu.mask_bit, seq_cst);
    m.store(cpu.loaded_mm, loaded_mm_switching<Mm<M>>(), relaxed);
  }

  // The bit went when the other mm was loaded.
  template <class M>
  static void found_elsewhere(M&, Cpu<M>&, Mm<M>*) {}

  template <class M>
  static bool needs_flush(M& m, Cpu<M>& other, Mm<M>*, bool) {
    return !is_lazy(m, other);
  }

  template <class M>
  static bool should_trim_cpumask(M&, Mm<M>*) {
    return false;
  }
};

// x86 from the 2017 rework to Linux 6.13, the rules of the 2021 dispute: whoever moves a lazy CPU's loaded_mm to init_mm
// takes it out of the mask with active_mm still pointing. One CPU exiting alone is enough: its own exit flush does that
// to it. (Until 145f573b89a6, in 2018, a lazy CPU was interrupted by every flush, and coming back to the same mm was no
// barrier.)
struct X86_2017 : X86<X86_2017, X86Switch<X86ExactMask>> {
  static constexpr std::string_view kName = "x86-2017";
  static constexpr std::string_view kWhat =
      "x86 to 6.13: switch_mm clears the bit of what was loaded; flushes and idle move loaded_mm only";
};

}  // namespace mmscale::kernel::lifecycle
