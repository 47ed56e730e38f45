// SPDX-License-Identifier: MIT
//
// Beginning, checking and breaking off a lazy borrow.
#pragma once

#include "kernel/cpu.h"
#include "kernel/hooks.h"
#include "kernel/irq.h"

namespace mmscale::kernel {

// Oracle: remembers which life of the mm is borrowed. Nothing unless the Machine checks.
template <class K>
MMSCALE_INLINE void note_borrow(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  if constexpr (K::Machine::checking)
    cpu.borrowed_generation = m.load(mm->generation, std::memory_order_relaxed);
}

// Oracle: a use of the borrowed mm. Finds memory that was freed, or freed and reused, since the borrow began.
template <class K>
MMSCALE_INLINE void use_borrow(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm,
                               const char* where) {
  if constexpr (K::Machine::checking)
    if (m.load(mm->generation, std::memory_order_relaxed) != cpu.borrowed_generation)
      report<K>(m, cpu, Violation::used, where);
}

// Oracle: switch_mm's `prev` at the end of a borrow, which is a use of it where the architecture loads from
// it, and a comparison where it compares. `life` is cpu.borrowed_generation as it was when prev was read from
// active_mm: an interrupt in between may have ended that borrow.
template <class K>
MMSCALE_INLINE void use_prev(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* prev,
                             std::uint32_t life, const char* where) {
  using Lifecycle = typename K::Lifecycle;
  if constexpr (K::Machine::checking && Lifecycle::kSwitchMmComparesPrev) {
    if (m.load(prev->generation, std::memory_order_relaxed) == life) return;
    report<K>(m, cpu, Violation::compared, where);
    if constexpr (Lifecycle::kSwitchMmReadsPrev) report<K>(m, cpu, Violation::used, where);
  }
}

// The same with interrupts off since prev was read.
template <class K>
MMSCALE_INLINE void use_prev(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* prev,
                             const char* where) {
  use_prev<K>(m, cpu, prev, cpu.borrowed_generation, where);
}

// Oracle: a borrowed mm is compared with a live one. Where it was freed and its memory reused the two are
// equal, and the new mm is taken for the old one.
template <class K>
MMSCALE_INLINE void compare_borrow(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* borrowed,
                                   typename Task<K>::Mm* live, const char* where) {
  if constexpr (K::Machine::checking)
    if (m.load(borrowed->generation, std::memory_order_relaxed) != cpu.borrowed_generation)
      report<K>(m, cpu, Violation::compared,
                borrowed == live ? "a new mm is taken for the freed one" : where);
}

// Makes this CPU, lazily on `mm`, borrow init_mm instead: what a flush handler does to a lazy CPU
// (exit_lazy_flush_tlb in arch/powerpc/mm/book3s64/radix_tlb.c), and what a CPU does before it goes offline
// (sched_force_init_mm). The counts move along, or a counted scheme would leak.
template <class K>
void unlazy(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  auto* init_mm = &cpu.system->init_mm;
  IrqSave irq(m);
  use_prev<K>(m, cpu, mm, "unlazy");
  hooks::lazy_enter<K, Site::unlazy>(m, cpu, init_mm);
  note_borrow<K>(m, cpu, init_mm);
  m.store(m.load(cpu.curr, std::memory_order_relaxed)->active_mm, init_mm, std::memory_order_relaxed);
  K::Lifecycle::template switch_mm_irqs_off<K>(m, cpu, mm, init_mm);
  hooks::lazy_leave<K>(m, cpu, mm);
  hooks::lazy_exit<K, Site::unlazy>(m, cpu, mm);
}

}  // namespace mmscale::kernel
