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

// unmap_vmas(), or a page taken away through the reverse map: entries of older versions are stale from here on. One
// CPU at a time writes a page table (its lock); the flush behind it has the barrier. The version that it makes.
template <class M>
std::uint32_t unmap(M& m, Mm<M>* mm) {
  if constexpr (kHasTlb<M>) {
    return m.fetch_add(mm->tlb.tables, 1u, std::memory_order_relaxed) + 1;
  }
  return 0;
}

// Versions grow: of two CPUs that flush at once the later one's stands. Release: whoever learns of it also learns of the
// invalidation.
template <class M>
void raise(M& m, Atomic<M, std::uint32_t>& word, std::uint32_t version) {
  std::uint32_t found = m.load(word, std::memory_order_relaxed);
  while (found < version) {
    const std::uint32_t before = m.compare_exchange(word, found, version, std::memory_order_release);
    if (before == found) return;
    found = before;
  }
}

// The flush of that unmapping has returned: from here on a stale entry may not be used.
template <class M>
void flush_returned(M& m, Mm<M>* mm, std::uint32_t version) {
  if constexpr (kHasTlb<M>) raise(m, mm->tlb.flushed, version);
}

// This CPU forgets its entries of `mm`: tlbiel, INVLPG, or the loading of other page tables.
template <class M>
MMSCALE_INLINE void drop(Cpu<M>& cpu, Mm<M>* mm) {
  if constexpr (kHasTlb<M>) mm->tlb.cached[static_cast<unsigned>(std::countr_zero(cpu.mask_bit))] = 0;
}

// Every CPU forgets its entries of `mm`, without an interrupt.
template <class M>
MMSCALE_INLINE void broadcast(M& m, Mm<M>* mm) {
  if constexpr (kHasTlb<M>) raise(m, mm->tlb.broadcast, m.load(mm->tlb.tables, std::memory_order_relaxed));
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
