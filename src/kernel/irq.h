// SPDX-License-Identifier: MIT
//
// Interrupt state as the kernel's functions save and check it.
#pragma once

#include "kernel/cpu.h"
#include "kernel/oracle.h"

namespace mmscale::kernel {

// local_irq_save() ... local_irq_restore(): for functions that are called with interrupts on and off.
template <class M>
class IrqSave {
 public:
  explicit IrqSave(M& m) : m_(m), was_off_(m.irqs_disabled()) {
    if (!was_off_) m_.irq_disable();
  }
  ~IrqSave() {
    if (!was_off_) m_.irq_enable();
  }
  IrqSave(const IrqSave&) = delete;
  IrqSave& operator=(const IrqSave&) = delete;

 private:
  M& m_;
  const bool was_off_;
};

// Tells the oracle, with interrupts off: an IPI handler that reported from a signal in the middle of another
// report of the same CPU would wait for the oracle's lock for ever.
template <class M>
MMSCALE_COLD void report(M& m, Cpu<M>& cpu, Violation violation, const char* where) {
  IrqSave irq(m);
  cpu.system->oracle.report(violation, m.cpu(), where);
}

// lockdep_assert_irqs_disabled(): only under a checking Machine.
template <class M>
MMSCALE_INLINE void expect_irqs_off(M& m, Cpu<M>& cpu, const char* where) {
  if constexpr (M::checking)
    if (!m.irqs_disabled()) report(m, cpu, Violation::assertion, where);
}

// Under a checking Machine: a CPU that runs in an mm is in its mask, where the architecture keeps one, or no
// flush reaches it.
template <class M>
MMSCALE_INLINE void expect_in_mask(M& m, Cpu<M>& cpu, Mm<M>* mm, const char* where) {
  if constexpr (M::checking)
    if (cpu.system->lifecycle.keeps_mask &&
        (m.load(mm->cpumask(cpu.mask_word), std::memory_order_relaxed) & cpu.mask_bit) == 0)
      report(m, cpu, Violation::assertion, where);
}

}  // namespace mmscale::kernel
