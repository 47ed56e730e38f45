// SPDX-License-Identifier: MIT
//
// do_shoot_lazy_tlb() (kernel/fork.c): what a CPU does when the mm it may be borrowing is about to go. Shared
// by every scheme that interrupts borrowers.
#pragma once

#include "kernel/cpu.h"
#include "kernel/hooks.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"

namespace mmscale::kernel {

// Moves this CPU to init_mm if it borrows `mm`; true if it did. Touches no counts. The scheme hears of the
// end of the borrow by lazy_leave, as of any other. Interrupts off.
template <class K>
bool shoot_lazy_tlb(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
  using enum std::memory_order;
  Task<K>& task = *m.load(cpu.curr, relaxed);
  if (m.load(task.active_mm, relaxed) != mm) return false;
  // WARN_ON_ONCE(current->mm)
  if (task.mm != nullptr)
    report<K>(m, cpu, Violation::assertion, "do_shoot_lazy_tlb: current->mm is the dead mm");
  auto* init_mm = &cpu.system->init_mm;
  note_borrow<K>(m, cpu, init_mm);
  m.store(task.active_mm, init_mm, relaxed);
  K::Lifecycle::template switch_mm_irqs_off<K>(m, cpu, mm, init_mm);
  hooks::lazy_leave<K>(m, cpu, mm);
  return true;
}

// Counts an IPI that this CPU handled.
template <class K>
void note_ipi(Cpu<K>& cpu, bool useful) {
  ++(useful ? cpu.tally.ipis_useful : cpu.tally.ipis_useless);
}

// The same as an IPI handler, for the mm that the sender names.
template <class K>
void do_shoot_lazy_tlb(typename K::Machine& m, void* mm) {
  Cpu<K>& cpu = this_cpu<K>(m);
  note_ipi(cpu, shoot_lazy_tlb<K>(m, cpu, static_cast<typename Task<K>::Mm*>(mm)));
}

// The same as a local call on the CPU that drops, interrupts off: no IPI.
template <class K>
void shoot_self(typename K::Machine& m, void* mm) {
  Cpu<K>& cpu = this_cpu<K>(m);
  if (shoot_lazy_tlb<K>(m, cpu, static_cast<typename Task<K>::Mm*>(mm))) ++cpu.tally.shoot_self;
}

}  // namespace mmscale::kernel
