// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "kernel/lifecycle/x86_global_asid.h"

namespace mmscale::kernel::lifecycle {

// x86-2025 with Intel's Remote Action Request, as posted (RFC v4, 20250619200442.1694583-1-riel@surriel.com; not merged).
// The request goes to the CPUs of the mask, and microcode serves it: nobody is interrupted, and no lazy CPU moves. Once
// a second a flush goes by interrupt to everybody in the mask, to trim it. A lazy CPU that is interrupted clears its own
// bit before it moves to init_mm, so that one such flush loses what takes two on x86-2024; the sender of a flush, if it
// is lazy, does the same to itself.
//
// That a CPU outside of the mask flushes when it comes back is taken for granted: what RAR does to TLBs is modelled as a
// broadcast.
struct X86Rar : X86GlobalAsid<X86Rar> {
  static constexpr std::string_view kName = "x86-rar";
  static constexpr std::string_view kWhat =
      "x86-2025 with Intel RAR as posted: microcode flushes, a lazy CPU that is interrupted clears its bit";
  static constexpr std::string_view kAbsent =
      "writing CR3 but for its barrier (250 to 300 cycles), the choice of an ASID, INVLPG, sending and "
      "serving a RAR, TLB misses after a switch";

  template <class M>
  static bool broadcast_tlb_flush(M& m, Cpu<M>& cpu, Mm<M>* mm, Freed freed, std::uint64_t Tally::*purpose) {
    if (!has_global_asid(m, mm)) return false;
    if (X86LazyMask::should_trim_cpumask(m, mm)) {
      machine::CpuMask& targets = other_cpus_of_mm(m, cpu, mm);
      Base::flush_tlb_multi(m, cpu, mm, targets, freed, true, purpose);
      return true;
    }
    tlb::broadcast(m, mm);
    if (this_cpu_of_mm(m, cpu, mm)) {
      IrqSave irq(m);
      Base::flush_tlb_func(m, cpu, mm);
    }
    finish_asid_transition(m, cpu, mm, freed, purpose);
    return true;
  }

  // should_flush_all()
  template <class M>
  static bool flushes_all(M& m, Mm<M>* mm, Freed freed, bool trim) {
    return freed == Freed::page_tables || trim || has_global_asid(m, mm) || in_transition(m, mm);
  }

  template <class M>
  static void leave_lazy_mm(M& m, Cpu<M>& cpu) {
    using enum std::memory_order;
    m.fetch_and(m.load(cpu.loaded_mm, relaxed)->cpumask(cpu.mask_word), ~cpu.mask_bit, seq_cst);
    Base::leave_lazy_mm(m, cpu);
  }

  // Behind the test for a lazy CPU in the kernel; that one does not come here.
  template <class M>
  static bool reload_asid(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    if (!is_lazy(m, cpu)) take_global_asid(m, cpu, mm);
    return false;
  }

  // leave_mm() is as it was: only the flush handler clears the bit.
  template <class M>
  static void enter_deep_idle(M& m, Cpu<M>& cpu) {
    IrqSave irq(m);
    if (m.load(cpu.loaded_mm, std::memory_order_relaxed) != &cpu.system->init_mm) Base::leave_lazy_mm(m, cpu);
  }
};

}  // namespace mmscale::kernel::lifecycle
