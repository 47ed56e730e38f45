// SPDX-License-Identifier: MIT
//
// A call of EFI firmware on x86 (arch/x86/platform/efi/efi_64.c): a kernel thread puts its active_mm aside,
// runs in efi_mm, and comes back to what it put aside. "mmgrab()/mmdrop() is not used because the mm can not
// change under us."
#pragma once

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"
#include "kernel/preempt.h"

namespace mmscale::kernel {

// efi_enter_mm(), the call, efi_leave_mm(), by a kernel thread. init_mm stands for efi_mm: neither is ever
// freed. Interrupts are on during the call, preemption is off. Nothing where the architecture does not do
// this (arm64 reads active_mm again on the way back).
template <class M>
void efi_call(M& m, Cpu<M>& cpu) {
  using enum std::memory_order;
  if (!cpu.system->lifecycle.efi_puts_active_mm_aside) return;
  PreemptOff<M> preempt(cpu);
  Task<M>& task = *m.load(cpu.curr, relaxed);
  auto* const efi_mm = &cpu.system->init_mm;
  auto* const efi_prev_mm = m.load(task.active_mm, relaxed);
  const std::uint32_t life = cpu.borrowed_generation;
  if (efi_prev_mm == efi_mm) return;
  // active_mm is stored with interrupts on; it is switch_mm() that turns them off.
  m.store(task.active_mm, efi_mm, relaxed);
  {
    IrqSave irq(m);
    cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, efi_prev_mm, efi_mm);
  }
  m.take_interrupts();
  m.store(task.active_mm, efi_prev_mm, relaxed);
  IrqSave irq(m);
  if (M::checking && m.load(efi_prev_mm->generation, relaxed) != life)
    report(m, cpu, Violation::used, "efi_leave_mm loads the mm that was put aside");
  cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, efi_mm, efi_prev_mm);
}

}  // namespace mmscale::kernel
