// SPDX-License-Identifier: MIT
//
// The TLB oracle: what the hardware keeps of an mm's page tables, for verdict TLB (a CPU goes on using what a
// flush that has returned should have removed). A Machine that says for how many CPUs (`kTlbCpus`) has it; on
// others nothing of this exists, and costs nothing.
//
// Page tables have a version, one more at every unmapping. An entry is as old as the version it was read at.
// A CPU fills at its first access behind a flush: speculative fills, which may come earlier, are absent. What
// one CPU cached is written by that CPU alone; a broadcast invalidation (tlbie, TLBI, INVLPGB) is a version
// of the mm, below which no entry counts any more.
#pragma once

#include <bit>
#include <cstdint>

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/state.h"

namespace mmscale::kernel::tlb {

// unmap_vmas(): entries of older versions are stale from here on. Plain stores to page tables, by one CPU at
// a time (mmap_lock); the flush behind it has the barrier. The version that it makes.
template <class M>
std::uint32_t unmap(M& m, Mm<M>* mm) {
  if constexpr (kHasTlb<M>) {
    const std::uint32_t version = m.load(mm->tlb.tables, std::memory_order_relaxed) + 1;
    m.store(mm->tlb.tables, version, std::memory_order_relaxed);
    return version;
  }
  return 0;
}

// The flush of that unmapping has returned: from here on a stale entry may not be used. Release: whoever
// learns of it also learns of the invalidation.
template <class M>
void flush_returned(M& m, Mm<M>* mm, std::uint32_t version) {
  if constexpr (kHasTlb<M>) m.store(mm->tlb.flushed, version, std::memory_order_release);
}

// This CPU forgets its entries of `mm`: tlbiel, INVLPG, or the loading of other page tables.
template <class M>
MMSCALE_INLINE void drop(Cpu<M>& cpu, Mm<M>* mm) {
  if constexpr (kHasTlb<M>) mm->tlb.cached[static_cast<unsigned>(std::countr_zero(cpu.mask_bit))] = 0;
}

// Every CPU forgets its entries of `mm`, without an interrupt.
template <class M>
MMSCALE_INLINE void broadcast(M& m, Mm<M>* mm) {
  if constexpr (kHasTlb<M>)
    m.store(mm->tlb.broadcast, m.load(mm->tlb.tables, std::memory_order_relaxed), std::memory_order_release);
}

// This CPU accesses memory of `mm`, which it has loaded. What has been flushed is looked at first: an entry
// that is there afterwards and is older should have gone.
template <class M>
void access(M& m, Cpu<M>& cpu, Mm<M>* mm, const char* where) {
  if constexpr (kHasTlb<M>) {
    using enum std::memory_order;
    const std::uint32_t flushed = m.load(mm->tlb.flushed, acquire);
    const std::uint32_t broadcast = m.load(mm->tlb.broadcast, acquire);
    std::uint32_t& cached = mm->tlb.cached[m.cpu()];
    if (cached < broadcast) cached = 0;
    if (cached == 0)
      cached = m.load(mm->tlb.tables, relaxed);
    else if (cached < flushed)
      report(m, cpu, Violation::tlb, where);
  }
}

}  // namespace mmscale::kernel::tlb
