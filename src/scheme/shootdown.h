// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/mm_life.h"
#include "kernel/shoot.h"
#include "kernel/smp.h"
#include "scheme/info.h"

namespace mmscale::scheme {

// Nothing is counted. When the last struct reference goes, every CPU in mm_cpumask is interrupted, and those
// that still borrow the mm move to init_mm (MMU_LAZY_TLB_SHOOTDOWN; cleanup_lazy_tlbs, do_shoot_lazy_tlb in
// kernel/fork.c, 2655421ae69f). Needs of the lifecycle: mm_cpumask a superset of the CPUs lazy on the mm, and
// an accurate active_mm.
//
// Memory order. The fence on kernel -> user is for membarrier(2) alone: it replaces the drop's full barrier.
// For lifetime the IPI is enough: the handler runs on the borrowing CPU, and its ack (release, acquired by
// the sender) puts that CPU's last use before the freeing.
//
// x86: 1 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct Shootdown : DefaultScheme {
  template <class M>
  MMSCALE_INLINE static void lazy_exit(M& m, Cpu<M>&, Mm<M>*, Site) {
    m.fence();
  }

  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site) {
    on_each_cpu_mask(m, cpu, mm, do_shoot_lazy_tlb<M>, shoot_self<M>, &Tally::ipis_shoot);
    return Reaped::free_now;
  }

  // Of every scheme that asks the CPUs in mm_cpumask alone.
  static constexpr Safety kSafety[] = {
      {"powerpc", true, "a CPU leaves mm_cpumask only after its active_mm left the mm"},
      {"powerpc-hash", true, "only offlining clears a bit, after the CPU moved to init_mm"},
      {"x86-2017", false,
       "a flush that frees page tables, or leave_mm, moves loaded_mm and clears the bit but leaves "
       "active_mm: nobody is asked, the sender included"},
      {"x86-unlazy", false,
       "switch_mm clears prev's bit before it loads the new page tables: a CPU in between is not asked"},
      {"x86-*", false,
       "two flushes that free page tables, or leave_mm and one, clear the bit and leave active_mm; the exit "
       "of a large process makes two"},
      {"x86-rar", false,
       "a lazy CPU that a flush interrupts, and the lazy sender, clear their bits and leave active_mm"},
      {"arm64*", true, "no mask of borrowers is kept, so all CPUs are asked, and active_mm is what is loaded",
       kIrqsOffActivateMm},
      {"s390", true,
       "a CPU stays attached while it is lazy, and every flush sets the mask to those attached"},
      {"riscv", true, "no bit is ever cleared, and active_mm is what is loaded", kIrqsOffActivateMm},
      {"loongarch", false,
       "a flush of a process of one thread takes the contexts of lazy CPUs away, and the next flush by IPI "
       "their bits; active_mm and the page tables stay"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "shootdown",
      .summary = "count nothing; interrupt every CPU in mm_cpumask when the mm is freed",
      .on_entry = "nothing",
      .on_exit = "full barrier",
      .last_drop = "synchronous IPI to mm_cpumask, then free",
      .origin = "Nicholas Piggin, RFC 2020-07-10, merged as 2655421ae69f (2023)",
      .upstream = "mainline, MMU_LAZY_TLB_SHOOTDOWN: powerpc Book3S-64",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
