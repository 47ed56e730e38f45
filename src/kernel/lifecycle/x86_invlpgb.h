// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "kernel/lifecycle/x86_global_asid.h"

namespace mmscale::kernel::lifecycle {

// x86-2025 on AMD processors with INVLPGB (broadcast_tlb_flush, in 6.15, read at 7.0). From its transition on, an mm with
// a global ASID is flushed without an interrupt: no CPU moves to init_mm, the sender neither, and no bit is cleared any
// more. Until then, and for other mms, all is as in x86-2025.
struct X86Invlpgb : X86GlobalAsid<X86Invlpgb> {
  static constexpr std::string_view kName = "x86-invlpgb";
  static constexpr std::string_view kWhat =
      "x86-2025 with INVLPGB: flushes of mms that run on four CPUs interrupt nobody";
  static constexpr std::string_view kAbsent =
      "writing CR3 but for its barrier (250 to 300 cycles), the choice of an ASID, INVLPG, INVLPGB, TLBSYNC, "
      "TLB misses after a switch";

  template <class M>
  static bool broadcast_tlb_flush(M& m, Cpu<M>& cpu, Mm<M>* mm, Freed freed, std::uint64_t Tally::*purpose) {
    if (!has_global_asid(m, mm)) return false;
    tlb::broadcast(m, mm);
    finish_asid_transition(m, cpu, mm, freed, purpose);
    return true;
  }

  template <class M>
  static bool flushes_all(M& m, Mm<M>* mm, Freed freed, bool) {
    return freed == Freed::page_tables || in_transition(m, mm);
  }

  template <class M>
  static bool reload_asid(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    take_global_asid(m, cpu, mm);
    return m.load(arch_state<GlobalAsidPerCpu>(cpu).global, std::memory_order_relaxed) != 0;
  }
};

}  // namespace mmscale::kernel::lifecycle
