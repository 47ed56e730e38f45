// SPDX-License-Identifier: MIT
//
// struct mm_struct (include/linux/mm_types.h): what of an address space a context switch and an exit touch.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "kernel/ops.h"
#include "machine/cpumask.h"
#include "machine/machine.h"

namespace mmscale::kernel {

// One address space. Lives in an MmSlab slot that goes on behind it: the mask words, as the kernel's trailing
// cpu_bitmap does, and what the scheme keeps per mm and CPU.
//
// Line 0: mm_count alone, in the isolated layout. Line 1: what switching reads, and mm_users beside it as in
// mainline; in the packed layout mm_count, too, as before c1753fd02a00. Then what dying and the architecture write,
// and the mask, each starting a line.
template <class M>
struct alignas(kLine) Mm {
  template <class T>
  using Atomic = kernel::Atomic<M, T>;
  using Life = typename LifeWordOf<M>::type;

  // Pins of this struct. All mm_users together own one of them; each counted lazy borrow owns one (mmgrab,
  // mmdrop). Which of the two words it is, is the scheme's choice of layout.
  Atomic<std::int32_t>& mm_count(MmLayout layout) {
    return layout == MmLayout::isolated ? mm_count_isolated : mm_count_packed;
  }
  Atomic<std::int32_t> mm_count_isolated;
  // In a world without lines, where there is room.
  [[no_unique_address]] typename TlbOf<M>::type tlb;

  // Page-table root; loaded at every switch to this mm.
  alignas(kLine) Atomic<std::uint64_t> pgd;
  // Which expedited membarrier commands its process registered for; compared with the rq's copy.
  Atomic<std::uint32_t> membarrier_state;
  // Threads that live in this address space.
  Atomic<std::int32_t> mm_users;
  // Address of the per-CPU concurrency ids (mm_cid, 6.4 on); read at every switch where that option is on.
  Atomic<std::uint64_t> pcpu_cid;
  Atomic<std::int32_t> mm_count_packed;

  // How many CPUs' bits are set in the mask: powerpc's context.active_cpus, a counter of its own.
  alignas(kLine) Atomic<std::int32_t> active_cpus;
  // Flushes of its exit: none without page tables, under every lifecycle; one, or one for each batch of page tables that
  // are freed (MAX_TABLE_BATCH of tlb_remove_table(), about 509: one for each GiB that is mapped by 4 KiB pages).
  std::uint8_t exit_flushes;

  // Life of this slot: even while allocated, odd while free, one more at every change. Freeing writes it and
  // every use under a checking Machine reads it, so that a pointer kept across free and reuse is recognised.
  Life generation;
  // Free-list link, meaningful while free; schemes that defer freeing may use it from reap to free.
  Mm* next_free;
  // What the lifecycle and the scheme keep (state.h), in this line.
  alignas(std::uint64_t) std::byte lifecycle_room[kLifecycleRoomPerMm];
  alignas(std::uint64_t) std::byte scheme_room[kSchemeRoomPerMm];

  // mm_cpumask(): word `index` of the shared bitmap of CPUs that may hold this mm in their TLB.
  MMSCALE_INLINE Atomic<std::uint64_t>& cpumask(unsigned index) {
    return std::launder(reinterpret_cast<Atomic<std::uint64_t>*>(behind(sizeof(Mm))))[index];
  }

  // What the scheme keeps of this mm for the CPUs of a system of `cpus`, CPU 0's first.
  MMSCALE_INLINE std::byte* per_cpu_room(unsigned cpus) { return behind(sizeof(Mm) + mask_bytes(cpus)); }

  // Word `index` of the second bitmap of an architecture that has one: the last lines of the slot.
  MMSCALE_INLINE Atomic<std::uint64_t>& second_mask(unsigned index, unsigned cpus, const Build<M>& build) {
    return std::launder(
        reinterpret_cast<Atomic<std::uint64_t>*>(behind(bytes(cpus, build) - mask_bytes(cpus))))[index];
  }

  // Bytes of one slot for a system of `cpus` CPUs.
  static std::size_t bytes(unsigned cpus, const Build<M>& build) {
    return sizeof(Mm) + build.lifecycle.masks * mask_bytes(cpus) +
           round_up_to_lines(cpus * build.scheme.per_mm_per_cpu.bytes);
  }

  // Makes a free slot out of raw memory of that size, cleared mask included. Before any CPU can see it.
  static Mm* construct(std::byte* memory, unsigned cpus, const Build<M>& build) {
    Mm* mm = new (memory) Mm{};
    new (&mm->generation) Life{1};
    for (unsigned w = 0; w < machine::CpuMask::words_for(cpus); ++w)
      new (memory + sizeof(Mm) + w * sizeof(Atomic<std::uint64_t>)) Atomic<std::uint64_t>{0};
    if (build.lifecycle.masks == 2)
      for (unsigned w = 0; w < machine::CpuMask::words_for(cpus); ++w)
        new (&mm->second_mask(w, cpus, build)) Atomic<std::uint64_t>{0};
    if (build.lifecycle.per_mm.bytes != 0) build.lifecycle.per_mm.make(mm->lifecycle_room);
    if (build.scheme.per_mm.bytes != 0) build.scheme.per_mm.make(mm->scheme_room);
    if (const MmState<M>& state = build.scheme.per_mm_per_cpu; state.bytes != 0)
      for (unsigned c = 0; c < cpus; ++c) state.make(mm->per_cpu_room(cpus) + c * state.bytes);
    return mm;
  }

  // mm_init()'s part of it, by the CPU that bears the mm.
  void reset_state(M& m, const Build<M>& build) {
    if (build.lifecycle.per_mm.bytes != 0) build.lifecycle.per_mm.reset(m, lifecycle_room);
    if (build.scheme.per_mm.bytes != 0) build.scheme.per_mm.reset(m, scheme_room);
    if (build.lifecycle.masks == 2)
      for (unsigned w = 0; w < machine::CpuMask::words_for(m.cpus()); ++w)
        m.store(second_mask(w, m.cpus(), build), std::uint64_t{0}, std::memory_order_relaxed);
    if (const MmState<M>& state = build.scheme.per_mm_per_cpu; state.bytes != 0)
      for (unsigned c = 0; c < m.cpus(); ++c) state.reset(m, per_cpu_room(m.cpus()) + c * state.bytes);
  }

 private:
  MMSCALE_INLINE std::byte* behind(std::size_t offset) { return reinterpret_cast<std::byte*>(this) + offset; }
  static constexpr std::size_t round_up_to_lines(std::size_t bytes) {
    return (bytes + kLine - 1) / kLine * kLine;
  }
  static std::size_t mask_bytes(unsigned cpus) {
    return round_up_to_lines(machine::CpuMask::words_for(cpus) * sizeof(Atomic<std::uint64_t>));
  }
};

}  // namespace mmscale::kernel
