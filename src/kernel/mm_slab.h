// SPDX-License-Identifier: MIT
//
// Where mms come from: the mm_struct slab cache. A per-CPU magazine in front of one shared depot, like SLUB's
// per-CPU lists, so that births and deaths on different CPUs do not meet in an allocator the schemes know
// nothing of. Memory is never returned while the system lives: a stale pointer reads a recognisable freed
// slot, not a hole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

#include "kernel/mm.h"
#include "machine/machine.h"

namespace mmscale::kernel {

template <class M>
class MmSlab {
 public:
  using Mm = kernel::Mm<M>;

  // A CPU's own free slots.
  struct Magazine {
    Mm* first = nullptr;
    unsigned count = 0;
  };

  // Bytes that `mms` live mms and init_mm need on a system of `cpus` CPUs, however the magazines hoard.
  static std::size_t bytes(const Build<M>& build, unsigned cpus, unsigned mms) {
    return (std::size_t{1} + mms + std::size_t{cpus} * 2 * kBatch) * Mm::bytes(cpus, build);
  }

  // Carves `memory`, which must be aligned to a line and outlive the slab.
  MmSlab(const Build<M>& build, unsigned cpus, std::span<std::byte> memory)
      : build_(build), cpus_(cpus), memory_(memory), unused_(memory) {}

  // init_mm with its boot-time counts (mm/init-mm.c: mm_users 2, mm_count 1), or another mm that is never freed. Before any
  // allocation.
  Mm& make_init_mm() {
    Mm* mm = carve();
    new (&mm->mm_users) typename Mm::template Atomic<std::int32_t>{2};
    new (&mm->mm_count(build_.scheme.layout)) typename Mm::template Atomic<std::int32_t>{1};
    new (&mm->generation) typename Mm::Life{0};
    return *mm;
  }

  // kmem_cache_alloc: a free slot, still marked free; nullptr when memory is used up.
  Mm* allocate(M& m, Magazine& magazine) {
    if (magazine.first == nullptr) refill(m, magazine);
    Mm* mm = magazine.first;
    if (mm == nullptr) return nullptr;
    magazine.first = mm->next_free;
    --magazine.count;
    return mm;
  }

  // kmem_cache_free: to the freeing CPU's magazine.
  void free(M& m, Magazine& magazine, Mm* mm) {
    mm->next_free = magazine.first;
    magazine.first = mm;
    if (++magazine.count > 2 * kBatch) spill(m, magazine);
  }

  // Calls f(mm) for every mm that is not free, init_mm among them: for_each_process, as far as we have one.
  // An mm may be freed or born meanwhile; f may only do what is harmless then.
  template <class F>
  void for_each_live(M& m, F&& f) {
    lock(m);
    const std::size_t carved = memory_.size() - unused_.size();
    unlock(m);
    for (std::size_t at = 0; at < carved; at += Mm::bytes(cpus_, build_)) {
      Mm& mm = *std::launder(reinterpret_cast<Mm*>(memory_.data() + at));
      if ((m.load(mm.generation, std::memory_order_acquire) & 1u) == 0) f(mm);
    }
  }

 private:
  // Slots moved between a magazine and the depot at a time: a round number, large against the one that a CPU
  // which both bears and frees needs.
  static constexpr unsigned kBatch = 8;

  void refill(M& m, Magazine& magazine) {
    lock(m);
    for (unsigned i = 0; i < kBatch; ++i) {
      Mm* mm = depot_;
      if (mm != nullptr)
        depot_ = mm->next_free;
      else
        mm = carve();
      if (mm == nullptr) break;
      mm->next_free = magazine.first;
      magazine.first = mm;
      ++magazine.count;
    }
    unlock(m);
  }

  void spill(M& m, Magazine& magazine) {
    lock(m);
    for (unsigned i = 0; i < kBatch; ++i) {
      Mm* mm = magazine.first;
      magazine.first = mm->next_free;
      --magazine.count;
      mm->next_free = depot_;
      depot_ = mm;
    }
    unlock(m);
  }

  void lock(M& m) {
    while (m.exchange(locked_, 1u, std::memory_order_acquire) != 0)
      m.spin_until(locked_, [](std::uint32_t locked) { return locked == 0; });
  }
  void unlock(M& m) { m.store(locked_, 0u, std::memory_order_release); }

  Mm* carve() {
    const std::size_t size = Mm::bytes(cpus_, build_);
    if (unused_.size() < size) return nullptr;
    Mm* mm = Mm::construct(unused_.data(), cpus_, build_);
    unused_ = unused_.subspan(size);
    return mm;
  }

  const Build<M>& build_;
  unsigned cpus_;
  std::span<std::byte> memory_;
  std::span<std::byte> unused_;
  Mm* depot_ = nullptr;
  Atomic<M, std::uint32_t> locked_{0};
};

}  // namespace mmscale::kernel
