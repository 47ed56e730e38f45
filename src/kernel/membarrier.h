// SPDX-License-Identifier: MIT
//
// membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) (kernel/sched/membarrier.c), the emulated one: what leans on
// the full barriers round rq->curr that a context switch promises.
#pragma once

#include "kernel/cpu.h"
#include "kernel/preempt.h"

namespace mmscale::kernel {

// ipi_mb()
template <class M>
void ipi_mb(M& m, void*) {
  m.fence();
}

// membarrier_private_expedited(): interrupts every other CPU whose current task lives in this one's mm. The
// first barrier stands before the reads of rq->curr and pairs with those of context_switch, so that a CPU
// found running something else orders by itself; the last pairs with the barrier before it leaves user mode.
//
// For worlds in which a task outlives the look at it: the kernel reads rq->curr under RCU.
// False for EPERM, which promises nothing: the process has not registered.
template <class M>
bool membarrier_private_expedited(M& m, Cpu<M>& cpu) {
  using enum std::memory_order;
  auto* const mm = m.load(cpu.curr, relaxed)->mm.get(m);
  if (m.load(mm->membarrier_state, relaxed) == 0) return false;
  PreemptOff<M> preempt(cpu);
  m.fence();
  cpu.targets.clear();
  for (unsigned other = 0; other < m.cpus(); ++other)
    if (other != m.cpu() && m.load(cpu.system->cpus[other]->curr, relaxed)->mm.get(m) == mm)
      cpu.targets.set(other);
  m.call_many(cpu.targets, ipi_mb<M>, nullptr);
  m.fence();
  return true;
}

}  // namespace mmscale::kernel
