// SPDX-License-Identifier: MIT
//
// do_shoot_lazy_tlb() (kernel/fork.c): what a CPU does when the mm it may be borrowing is about to go. Shared
// by every scheme that interrupts borrowers.
#pragma once

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"

namespace mmscale::kernel {

// Moves this CPU to init_mm if it borrows `mm`; true if it did. Touches no counts. The scheme hears of the
// end of the borrow by lazy_leave, as of any other. Interrupts off.
template <class M>
bool shoot_lazy_tlb(M& m, Cpu<M>& cpu, Mm<M>* mm) {
  using enum std::memory_order;
  Task<M>& task = *m.load(cpu.curr, relaxed);
  if (m.load(task.active_mm, relaxed) != mm) return false;
  // WARN_ON_ONCE(current->mm)
  if (task.mm.get(m) != nullptr)
    report(m, cpu, Violation::assertion, "do_shoot_lazy_tlb: current->mm is the dead mm");
  auto* init_mm = &cpu.system->init_mm;
  note_borrow(m, cpu, init_mm);
  m.store(task.active_mm, init_mm, relaxed);
  cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, mm, init_mm);
  cpu.system->scheme.lazy_leave(m, cpu, mm);
  return true;
}

// Counts an IPI that this CPU handled.
template <class M>
void note_ipi(Cpu<M>& cpu, bool useful) {
  ++(useful ? cpu.tally.ipis_useful : cpu.tally.ipis_useless);
}

// The same as an IPI handler, for the mm that the sender names.
template <class M>
void do_shoot_lazy_tlb(M& m, void* mm) {
  Cpu<M>& cpu = this_cpu(m);
  note_ipi(cpu, shoot_lazy_tlb(m, cpu, static_cast<Mm<M>*>(mm)));
}

// The same as a local call on the CPU that drops, interrupts off: no IPI.
template <class M>
void shoot_self(M& m, void* mm) {
  Cpu<M>& cpu = this_cpu(m);
  if (shoot_lazy_tlb(m, cpu, static_cast<Mm<M>*>(mm))) ++cpu.tally.shoot_self;
}

}  // namespace mmscale::kernel
