// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/lifecycle/powerpc.h"

namespace mmscale::kernel::lifecycle {

// powerpc Book3S-64 with the hash MMU (arch/powerpc/mm/book3s64/hash_tlb.c): switch_mm is radix's, but
// translations are flushed by hash entry, in a guest by hypercall, and no flush looks at mm_cpumask. So the
// exit flush interrupts nobody, which is why the shootdown happens at the last mmdrop and not in mmput, and
// only offlining takes a CPU out of a mask.
struct PowerpcHash : Powerpc {
  static constexpr std::string_view kName = "powerpc-hash";
  static constexpr std::string_view kAbsent =
      "switching the SLB, flushing hash entries, TLB misses after a switch";
  static constexpr std::string_view kWhat =
      "Book3S-64 hash: bit set on switch-in, never trimmed; no flush interrupts";

  template <class M>
  static void exit_flush(M&, Cpu<M>&, Mm<M>*) {}

  template <class M>
  static void flush_tlb_mm(M& m, Cpu<M>&, Mm<M>* mm, Freed = Freed::pages) {
    tlb::broadcast(m, mm);
  }
};

}  // namespace mmscale::kernel::lifecycle
