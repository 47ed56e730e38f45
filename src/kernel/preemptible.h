// SPDX-License-Identifier: MIT
//
// Where the kernel may preempt the task at hand in the middle of its work (preempt_schedule_irq, cond_resched): interrupts
// are on, and nothing has disabled preemption. Where tasks are preempted is the Machine's affair; most never do.
#pragma once

#include "kernel/cpu.h"
#include "kernel/irq.h"

namespace mmscale::kernel {

// Says that the task may be preempted here. It goes on where it was, on the same CPU, when whoever preempted it has run.
template <class M>
void preemptible(M& m, Cpu<M>& cpu) {
  if constexpr (requires { m.preempt(); }) {
    if (m.irqs_disabled() || cpu.preempt_count != 0)
      report(m, cpu, Violation::assertion, "preempted in atomic context");
    m.preempt();
  }
}

}  // namespace mmscale::kernel
