// SPDX-License-Identifier: MIT
//
// Beginning, checking and breaking off a lazy borrow.
#pragma once

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/path.h"

namespace mmscale::kernel {

// Oracle: remembers which life of the mm is borrowed. Nothing unless the Machine checks.
template <class M>
MMSCALE_INLINE void note_borrow(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  if constexpr (M::checking) cpu.borrowed_generation = m.load(mm->generation, std::memory_order_relaxed);
}

// Oracle: this CPU follows a pointer to `mm`. Where the Machine can tell what happens before what, whoever frees the mm
// must know of it (free_mm).
template <class M>
MMSCALE_INLINE void note_use(M& m, Mm<M>* mm) {
  if constexpr (requires { m.note_use(mm->generation); }) m.note_use(mm->generation);
}

// Oracle: a use of the borrowed mm. Finds memory that was freed, or freed and reused, since the borrow began.
template <class M>
MMSCALE_INLINE void use_borrow(M& m, Cpu<M>& cpu, Mm<M>* mm, const char* where) {
  if constexpr (M::checking) {
    note_use(m, mm);
    if (m.load(mm->generation, std::memory_order_relaxed) != cpu.borrowed_generation)
      report(m, cpu, Violation::used, where);
  }
}

// Oracle: switch_mm's `prev` at the end of a borrow, which is a use of it where the architecture loads from
// it, and a comparison where it compares. `life` is cpu.borrowed_generation as it was when prev was read from
// active_mm: an interrupt in between may have ended that borrow.
template <class M>
MMSCALE_INLINE void use_prev(M& m, Cpu<M>& cpu, Mm<M>* prev, std::uint32_t life, const char* where) {
  if constexpr (M::checking) {
    const LifecycleTraits& lifecycle = cpu.system->lifecycle;
    if (lifecycle.switch_mm_reads_prev) note_use(m, prev);
    if (!lifecycle.switch_mm_compares_prev || m.load(prev->generation, std::memory_order_relaxed) == life)
      return;
    report(m, cpu, Violation::compared, where);
    if (lifecycle.switch_mm_reads_prev) report(m, cpu, Violation::used, where);
  }
}

// The same with interrupts off since prev was read.
template <class M>
MMSCALE_INLINE void use_prev(M& m, Cpu<M>& cpu, Mm<M>* prev, const char* where) {
  use_prev(m, cpu, prev, cpu.borrowed_generation, where);
}

// Oracle: a borrowed mm is compared with a live one. Where it was freed and its memory reused the two are
// equal, and the new mm is taken for the old one.
template <class M>
MMSCALE_INLINE void compare_borrow(M& m, Cpu<M>& cpu, Mm<M>* borrowed, Mm<M>* live, const char* where) {
  if constexpr (M::checking)
    if (m.load(borrowed->generation, std::memory_order_relaxed) != cpu.borrowed_generation)
      report(m, cpu, Violation::compared, borrowed == live ? "a new mm is taken for the freed one" : where);
}

// A user mm is about to be borrowed by this CPU, which has it loaded: the scheme hears of it, and says what is borrowed
// instead, if anything. Where kernel threads borrow no user mm, they really switch to init_mm. Interrupts off.
template <class Path, class M>
MMSCALE_INLINE Mm<M>* begin_borrow(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
  if (!Path::scheme(cpu).borrows_user_mm) Path::switch_mm_irqs_off(m, cpu, mm, &cpu.system->init_mm);
  return Path::lazy_enter(m, cpu, mm, site);
}

// Makes this CPU, lazily on `mm`, borrow init_mm instead: what a flush handler does to a lazy CPU
// (exit_lazy_flush_tlb in arch/powerpc/mm/book3s64/radix_tlb.c), and what a CPU does before it goes offline
// (sched_force_init_mm). The counts move along, or a counted scheme would leak. `life` is cpu.borrowed_generation as it
// was when active_mm was read.
template <class M>
void unlazy(M& m, Cpu<M>& cpu, Mm<M>* mm, std::uint32_t life) {
  auto* init_mm = &cpu.system->init_mm;
  IrqSave irq(m);
  use_prev(m, cpu, mm, life, "unlazy");
  cpu.system->scheme.lazy_enter(m, cpu, init_mm, Site::unlazy);
  note_borrow(m, cpu, init_mm);
  m.store(m.load(cpu.curr, std::memory_order_relaxed)->active_mm, init_mm, std::memory_order_relaxed);
  cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, mm, init_mm);
  cpu.system->scheme.lazy_leave(m, cpu, mm);
  cpu.system->scheme.lazy_exit(m, cpu, mm, Site::unlazy);
}
template <class M>
void unlazy(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  unlazy(m, cpu, mm, cpu.borrowed_generation);
}

}  // namespace mmscale::kernel
