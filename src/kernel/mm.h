// SPDX-License-Identifier: MIT
//
// struct mm_struct (include/linux/mm_types.h): what of an address space a context switch and an exit touch.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "kernel/build.h"
#include "kernel/state.h"
#include "machine/cpumask.h"
#include "machine/machine.h"

namespace mmscale::kernel {

using machine::kLine;

// One address space. Lives in an MmSlab slot that goes on behind it: the mask words, as the kernel's trailing
// cpu_bitmap does, and what the scheme keeps per mm and CPU.
//
// Line 0 (isolated layout): mm_count alone. Line 1: what switching reads, and mm_users beside it as in
// mainline. Packed layout: all of these in one line, as before c1753fd02a00. Then what dying and the
// architecture write, and the mask, each starting a line.
template <class K>
struct alignas(kLine) Mm {
  template <class T>
  using Atomic = typename K::Machine::template Atomic<T>;
  using PerCpuState = typename PerMmPerCpuOf<typename K::Scheme, K>::type;

  static constexpr std::size_t kReadMostlyAlign =
      K::Scheme::kLayout == MmLayout::isolated ? kLine : alignof(std::uint64_t);

  // Pins of this struct. All mm_users together own one of them; each counted lazy borrow owns one (mmgrab,
  // mmdrop).
  Atomic<std::int32_t> mm_count;

  // Page-table root; loaded at every switch to this mm.
  alignas(kReadMostlyAlign) Atomic<std::uint64_t> pgd;
  // Which expedited membarrier commands its process registered for; compared with the rq's copy.
  Atomic<std::uint32_t> membarrier_state;
  // Threads that live in this address space.
  Atomic<std::int32_t> mm_users;
  // Address of the per-CPU concurrency ids (mm_cid, 6.4 on); read at every switch where that option is on.
  Atomic<std::uint64_t> pcpu_cid;

  // How many CPUs' bits are set in the mask: powerpc's context.active_cpus, a counter of its own.
  alignas(kLine) Atomic<std::int32_t> active_cpus;
  // No page tables means no flush at exit: a property of an mm under every lifecycle.
  bool has_page_tables;

  // Life of this slot: even while allocated, odd while free, one more at every change. Freeing writes it and
  // every use under a checking Machine reads it, so that a pointer kept across free and reuse is recognised.
  Atomic<std::uint32_t> generation;
  // Free-list link, meaningful while free; schemes that defer freeing may use it from reap to free.
  Mm* next_free;
  [[no_unique_address]] typename TlbOf<typename K::Machine>::type tlb;
  [[no_unique_address]] typename PerMmOf<typename K::Lifecycle, K>::type lifecycle;
  [[no_unique_address]] typename PerMmOf<typename K::Scheme, K>::type scheme;

  // mm_cpumask(): word `index` of the shared bitmap of CPUs that may hold this mm in their TLB.
  Atomic<std::uint64_t>& cpumask(unsigned index) { return at<Atomic<std::uint64_t>>(sizeof(Mm))[index]; }

  // What the scheme keeps of this mm for one CPU of a system of `cpus`.
  PerCpuState& scheme_of(unsigned cpu, unsigned cpus) {
    return at<PerCpuState>(sizeof(Mm) + mask_bytes(cpus))[cpu];
  }

  // Bytes of one slot for a system of `cpus` CPUs.
  static std::size_t bytes(unsigned cpus) { return sizeof(Mm) + mask_bytes(cpus) + scheme_bytes(cpus); }

  // Makes a free slot out of raw memory of that size, cleared mask included. Before any CPU can see it.
  static Mm* construct(std::byte* memory, unsigned cpus) {
    Mm* mm = new (memory) Mm{};
    new (&mm->generation) Atomic<std::uint32_t>{1};
    for (unsigned w = 0; w < machine::CpuMask::words_for(cpus); ++w)
      new (memory + sizeof(Mm) + w * sizeof(Atomic<std::uint64_t>)) Atomic<std::uint64_t>{0};
    if constexpr (kHasPerCpuState)
      for (unsigned c = 0; c < cpus; ++c)
        new (memory + sizeof(Mm) + mask_bytes(cpus) + c * sizeof(PerCpuState)) PerCpuState{};
    return mm;
  }

  static constexpr bool kHasPerCpuState = !std::is_same_v<PerCpuState, Nothing>;

 private:
  template <class T>
  T* at(std::size_t offset) {
    return std::launder(reinterpret_cast<T*>(reinterpret_cast<std::byte*>(this) + offset));
  }
  static constexpr std::size_t round_up_to_lines(std::size_t bytes) {
    return (bytes + kLine - 1) / kLine * kLine;
  }
  static std::size_t mask_bytes(unsigned cpus) {
    return round_up_to_lines(machine::CpuMask::words_for(cpus) * sizeof(Atomic<std::uint64_t>));
  }
  static std::size_t scheme_bytes(unsigned cpus) {
    return kHasPerCpuState ? round_up_to_lines(cpus * sizeof(PerCpuState)) : 0;
  }
};

}  // namespace mmscale::kernel
