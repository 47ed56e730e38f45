// SPDX-License-Identifier: MIT
//
// A call of EFI firmware by a kernel thread that is lazy on a user mm. Firmware needs page tables of its own, efi_mm's,
// with interrupts on; what becomes of active_mm meanwhile differs (Efi, in build.h):
//
//   active_mm_aside   efi_enter_mm() of arch/x86/platform/efi/efi_64.c to 6.15: "mmgrab()/mmdrop() is not used because the
//                     mm can not change under us"
//   temporary_mm      the same since 6.16: use_temporary_mm(), which calls leave_mm() first where the CPU is lazy
//   unlazied          the same in the series of January 2022: unlazy_mm_irqs_off() in its place
//   under_active_mm   efi_virtmap_load() of arch/arm64/include/asm/efi.h, to 6.18, and of drivers/firmware/efi/riscv-runtime.c
//   kthread_uses_it   arch_efi_call_virt_setup() of arch/arm64/kernel/efi.c since a5baf582f4c0
#pragma once

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/kthread.h"
#include "kernel/lazy.h"
#include "kernel/preempt.h"

namespace mmscale::kernel {

// The firmware: an interrupt may come, and must leave the page tables as they are.
template <class M>
void run_firmware(M& m, Cpu<M>& cpu) {
  m.take_interrupts();
  if (M::checking && m.load(cpu.loaded_mm, std::memory_order_relaxed) != cpu.system->efi_mm)
    report(m, cpu, Violation::used, "EFI firmware runs without its page tables");
}

template <class M>
void efi_call(M& m, Cpu<M>& cpu) {
  using enum std::memory_order;
  const Efi how = cpu.system->lifecycle.efi;
  auto* const efi_mm = cpu.system->efi_mm;
  if (how == Efi::none) return;
  if (how == Efi::kthread_uses_it) {
    kthread_use_mm(m, cpu, efi_mm);
    run_firmware(m, cpu);
    kthread_unuse_mm(m, cpu);
    return;
  }
  PreemptOff<M> preempt(cpu);
  Task<M>& task = *m.load(cpu.curr, relaxed);
  auto* const init_mm = &cpu.system->init_mm;
  const auto switch_mm = [&](Mm<M>* prev, Mm<M>* next) {
    IrqSave irq(m);
    cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, prev, next);
  };
  // What is loaded again at the end, and which life of it was borrowed.
  const std::uint32_t life = cpu.borrowed_generation;
  auto* back = m.load(task.active_mm, relaxed);
  if (how == Efi::active_mm_aside) {
    // active_mm is stored with interrupts on; it is switch_mm() that turns them off.
    m.store(task.active_mm, efi_mm, relaxed);
    switch_mm(back, efi_mm);
  } else if (how == Efi::under_active_mm) {
    switch_mm(back, efi_mm);
  } else {
    IrqSave irq(m);
    const bool lazy = m.load(cpu.loaded_mm, relaxed) != init_mm;
    if (lazy && how == Efi::unlazied) unlazy(m, cpu, m.load(task.active_mm, relaxed));
    if (lazy && how == Efi::temporary_mm) cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, nullptr, init_mm);
    back = m.load(cpu.loaded_mm, relaxed);
    cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, back, efi_mm);
  }
  run_firmware(m, cpu);
  if (how == Efi::under_active_mm) {
    // efi_virtmap_unload(): reads active_mm, and loads it, with interrupts on.
    const std::uint32_t now = cpu.borrowed_generation;
    back = m.load(task.active_mm, relaxed);
    IrqSave irq(m);
    if (M::checking && m.load(back->generation, relaxed) != now)
      report(m, cpu, Violation::used, "efi_virtmap_unload loads what active_mm was");
    cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, efi_mm, back);
    return;
  }
  if (how == Efi::active_mm_aside) m.store(task.active_mm, back, relaxed);
  IrqSave irq(m);
  if (M::checking && how == Efi::active_mm_aside && m.load(back->generation, relaxed) != life)
    report(m, cpu, Violation::used, "efi_leave_mm loads the mm that was put aside");
  // unuse_temporary_mm(): nobody needs to flush efi_mm here.
  if (how != Efi::active_mm_aside) m.fetch_and(efi_mm->cpumask(cpu.mask_word), ~cpu.mask_bit, seq_cst);
  cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, efi_mm, back);
}

}  // namespace mmscale::kernel
