// SPDX-License-Identifier: MIT
//
// The life of an mm_struct: mm_init, the mm_count helpers of include/linux/sched/mm.h, __mmdrop and free_mm
// of kernel/fork.c. mm_users and what happens when it reaches zero is exit.h.
#pragma once

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/preemptible.h"

namespace mmscale::kernel {

// The word that counts this mm's pins in the system at hand.
template <class M>
Atomic<M, std::int32_t>& mm_count(Cpu<M>& cpu, Mm<M>* mm) {
  return mm->mm_count(cpu.system->scheme.layout);
}

// mm_alloc() + mm_init(): an mm with mm_count 1 and `users` threads, nobody in its mask. The caller publishes
// it with release to the CPUs that will run those threads. nullptr when the slab is used up.
template <class M>
Mm<M>* mm_alloc(M& m, Cpu<M>& cpu, std::int32_t users, unsigned exit_flushes = 1) {
  using enum std::memory_order;
  IrqSave irq(m);
  auto* mm = cpu.system->slab.allocate(m, cpu.magazine);
  if (mm == nullptr) return nullptr;
  m.store(mm_count(cpu, mm), 1, relaxed);
  m.store(mm->mm_users, users, relaxed);
  // Any value that differs between mms: nothing is translated through it.
  m.store(mm->pgd, reinterpret_cast<std::uint64_t>(mm), relaxed);
  m.store(mm->membarrier_state, 0u, relaxed);
  m.store(mm->active_cpus, 0, relaxed);
  mm->exit_flushes = static_cast<std::uint8_t>(exit_flushes);
  for (unsigned w = 0; w < cpu.targets.words(); ++w) m.store(mm->cpumask(w), std::uint64_t{0}, relaxed);
  mm->tlb.reset(m);
  mm->reset_state(m, *cpu.system);
  m.store(mm->generation, m.load(mm->generation, relaxed) + 1, relaxed);
  ++cpu.tally.mms_born;
  return mm;
}

// DEBUG_VM_SHOOT_LAZIES, as an observer and not as a second IPI: no CPU may have active_mm == mm when mm is
// freed. Nor may any have its page tables loaded, whatever active_mm says: the hardware walks them.
template <class M>
void check_not_borrowed(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  using enum std::memory_order;
  constexpr bool kExplored = requires { m.observe(true, true); };
  for (Cpu<M>* other : cpu.system->cpus) {
    // The check's interrupt would find both as they are on that CPU. Its page tables it has loaded as long as who frees
    // does not know better: a walk that is not ordered before may still come.
    if constexpr (kExplored) m.observe(true, true);
    const bool borrowed =
        cpu.system->scheme.has_active_mm && m.load(m.load(other->curr, relaxed)->active_mm, relaxed) == mm;
    if constexpr (kExplored) m.observe(true, false);
    if (borrowed)
      report(m, cpu, Violation::dangling, "free_mm");
    else if (m.load(other->loaded_mm, relaxed) == mm)
      report(m, cpu, Violation::used, "free_mm: still loaded");
  }
  if constexpr (kExplored) m.observe(false, false);
}

// free_mm(). Interrupts off, because an IPI handler may free too. The fetch_or decides between two freers, so
// that the second is told and the slot enters the free list once; relaxed, since reuse is ordered by the
// slab's lock and by whoever publishes the new mm.
template <class M>
void free_mm(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  using enum std::memory_order;
  if constexpr (M::checking) check_not_borrowed(m, cpu, mm);
  IrqSave irq(m);
  if constexpr (requires { m.unordered_use(mm->generation); })
    if (m.unordered_use(mm->generation))
      report(m, cpu, Violation::used, "free_mm: a use elsewhere is not ordered before");
  if ((m.fetch_or(mm->generation, 1u, relaxed) & 1u) != 0) {
    report(m, cpu, Violation::double_free, "free_mm");
    return;
  }
  ++cpu.tally.mms_freed;
  if (cpu.system->mm_freed != nullptr) cpu.system->mm_freed(cpu.system->mm_freed_context, m, mm);
  cpu.system->slab.free(m, cpu.magazine, mm);
}

// __mmdrop(): nobody pins the struct any more. The scheme sees to lazy borrowers, then it is freed. `site`
// tells in which context the last drop happened.
template <class M>
MMSCALE_COLD void mmdrop_last(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
  if (mm == &cpu.system->init_mm) {
    // BUG_ON(mm == &init_mm)
    report(m, cpu, Violation::double_free, "__mmdrop of init_mm");
    return;
  }
  if (cpu.system->scheme.reap(m, cpu, mm, site) != Reaped::free_now) return;
  // Behind cleanup_lazy_tlbs(). Not in finish_task_switch(), which runs under schedule()'s preempt_disable(), nor in handlers.
  if (site == Site::mmput || site == Site::kthread_use_mm || site == Site::kthread_unuse_mm ||
      site == Site::exec_mmap || site == Site::mmdrop)
    preemptible(m, cpu);
  free_mm(m, cpu, mm);
}

// mmdrop(): atomic_dec_and_test, which must be a full barrier because membarrier(2) leans on it; seq_cst is
// C++'s nearest, and the same locked instruction on x86. It also orders this holder's last use of *mm before
// whoever frees.
template <MmLayout kLayout, class M>
MMSCALE_INLINE void mmdrop(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
  if (m.fetch_sub(mm->mm_count(kLayout), 1, std::memory_order_seq_cst) == 1) [[unlikely]]
    mmdrop_last(m, cpu, mm, site);
}
// The same outside of the measured loop, where the layout is whatever the system has.
template <class M>
void mmdrop(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
  if (m.fetch_sub(mm_count(cpu, mm), 1, std::memory_order_seq_cst) == 1) mmdrop_last(m, cpu, mm, site);
}

// mmgrab(): pins the struct, not the address space.
template <class M>
MMSCALE_INLINE void mmgrab(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  m.fetch_add(mm_count(cpu, mm), 1, std::memory_order_relaxed);
}

// mmgrab_lazy_tlb(): atomic_inc, which promises no order: the caller already knows that the mm exists. `kLayout` is the
// scheme's, which calls this in the measured loop.
template <MmLayout kLayout = MmLayout::isolated, class M>
MMSCALE_INLINE void mmgrab_lazy_tlb(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
  m.fetch_add(mm->mm_count(kLayout), 1, std::memory_order_relaxed);
  ++(site == Site::unlazy ? cpu.tally.lazy_grabs_unlazy : cpu.tally.lazy_grabs);
}

// mmdrop_lazy_tlb().
template <MmLayout kLayout = MmLayout::isolated, class M>
MMSCALE_INLINE void mmdrop_lazy_tlb(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
  ++(site == Site::unlazy ? cpu.tally.lazy_drops_unlazy : cpu.tally.lazy_drops);
  mmdrop<kLayout>(m, cpu, mm, site);
}

}  // namespace mmscale::kernel
