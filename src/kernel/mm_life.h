// SPDX-License-Identifier: MIT
//
// The life of an mm_struct: mm_init, the mm_count helpers of include/linux/sched/mm.h, __mmdrop and free_mm
// of kernel/fork.c. mm_users and what happens when it reaches zero is exit.h.
#pragma once

#include "kernel/cpu.h"
#include "kernel/hooks.h"
#include "kernel/irq.h"

namespace mmscale::kernel {

// mm_alloc() + mm_init(): an mm with mm_count 1 and `users` threads, nobody in its mask. The caller publishes
// it with release to the CPUs that will run those threads. nullptr when the slab is used up.
template <class K>
typename Task<K>::Mm* mm_alloc(typename K::Machine& m, Cpu<K>& cpu, std::int32_t users,
                               bool has_page_tables = true) {
  using enum std::memory_order;
  IrqSave irq(m);
  auto* mm = cpu.system->slab.allocate(m, cpu.magazine);
  if (mm == nullptr) return nullptr;
  m.store(mm->mm_count, 1, relaxed);
  m.store(mm->mm_users, users, relaxed);
  // Any value that differs between mms: nothing is translated through it.
  m.store(mm->pgd, reinterpret_cast<std::uint64_t>(mm), relaxed);
  m.store(mm->membarrier_state, 0u, relaxed);
  m.store(mm->active_cpus, 0, relaxed);
  mm->has_page_tables = has_page_tables;
  for (unsigned w = 0; w < cpu.targets.words(); ++w) m.store(mm->cpumask(w), std::uint64_t{0}, relaxed);
  mm->tlb.reset(m);
  mm->lifecycle.reset(m);
  mm->scheme.reset(m);
  if constexpr (Mm<K>::kHasPerCpuState)
    for (unsigned c = 0; c < m.cpus(); ++c) mm->scheme_of(c, m.cpus()).reset(m);
  m.store(mm->generation, m.load(mm->generation, relaxed) + 1, relaxed);
  ++cpu.tally.mms_born;
  return mm;
}

// DEBUG_VM_SHOOT_LAZIES, as an observer and not as a second IPI: no CPU may have active_mm == mm when mm is
// freed. Nor may any have its page tables loaded, whatever active_mm says: the hardware walks them.
template <class K>
void check_not_borrowed(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  using enum std::memory_order;
  for (Cpu<K>* other : cpu.system->cpus) {
    if (m.load(m.load(other->curr, relaxed)->active_mm, relaxed) == mm)
      report<K>(m, cpu, Violation::dangling, "free_mm");
    else if (m.load(other->loaded_mm, relaxed) == mm)
      report<K>(m, cpu, Violation::used, "free_mm: still loaded");
  }
}

// free_mm(). Interrupts off, because an IPI handler may free too. The fetch_or decides between two freers, so
// that the second is told and the slot enters the free list once; relaxed, since reuse is ordered by the
// slab's lock and by whoever publishes the new mm.
template <class K>
void free_mm(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  using enum std::memory_order;
  if constexpr (K::Machine::checking) check_not_borrowed<K>(m, cpu, mm);
  IrqSave irq(m);
  if ((m.fetch_or(mm->generation, 1u, relaxed) & 1u) != 0) {
    report<K>(m, cpu, Violation::double_free, "free_mm");
    return;
  }
  ++cpu.tally.mms_freed;
  if (cpu.system->mm_freed != nullptr) cpu.system->mm_freed(cpu.system->mm_freed_context, m, mm);
  cpu.system->slab.free(m, cpu.magazine, mm);
}

// __mmdrop(): nobody pins the struct any more. The scheme sees to lazy borrowers, then it is freed. `kSite`
// tells in which context the last drop happened.
template <class K, Site kSite>
MMSCALE_COLD void mmdrop_last(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  if (mm == &cpu.system->init_mm) {
    // BUG_ON(mm == &init_mm)
    report<K>(m, cpu, Violation::double_free, "__mmdrop of init_mm");
    return;
  }
  if (hooks::reap<K, kSite>(m, cpu, mm) == Reaped::free_now) free_mm<K>(m, cpu, mm);
}

// mmdrop(): atomic_dec_and_test, which must be a full barrier because membarrier(2) leans on it; seq_cst is
// C++'s nearest, and the same locked instruction on x86. It also orders this holder's last use of *mm before
// whoever frees.
template <class K, Site kSite>
MMSCALE_INLINE void mmdrop(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  if (m.fetch_sub(mm->mm_count, 1, std::memory_order_seq_cst) == 1) [[unlikely]]
    mmdrop_last<K, kSite>(m, cpu, mm);
}

// mmgrab(): pins the struct, not the address space.
template <class K>
MMSCALE_INLINE void mmgrab(typename K::Machine& m, typename Task<K>::Mm* mm) {
  m.fetch_add(mm->mm_count, 1, std::memory_order_relaxed);
}

// mmgrab_lazy_tlb(): atomic_inc, which promises no order: the caller already knows that the mm exists.
template <class K, Site kSite>
MMSCALE_INLINE void mmgrab_lazy_tlb(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  m.fetch_add(mm->mm_count, 1, std::memory_order_relaxed);
  ++(kSite == Site::unlazy ? cpu.tally.lazy_grabs_unlazy : cpu.tally.lazy_grabs);
}

// mmdrop_lazy_tlb().
template <class K, Site kSite>
MMSCALE_INLINE void mmdrop_lazy_tlb(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  ++(kSite == Site::unlazy ? cpu.tally.lazy_drops_unlazy : cpu.tally.lazy_drops);
  mmdrop<K, kSite>(m, cpu, mm);
}

}  // namespace mmscale::kernel
