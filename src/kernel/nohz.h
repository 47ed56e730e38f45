// SPDX-License-Identifier: MIT
//
// The words of the whole machine that a CPU writes when it stops its tick to idle, and at its first busy tick after that
// (kernel/time/tick-sched.c, kernel/sched/fair.c). As before 5d86d542f68f (2026), which does without nr_cpus.
//
// Not here, since fewer share it or it is rare: nr_busy_cpus of the last-level cache; the groups of 8 CPUs that timers
// migrate in (6.9); tick_do_timer_cpu, which is read; calc_load_nohz, which changes once in 5 s.
#pragma once

#include "kernel/cpu.h"

namespace mmscale::kernel {

// nohz_balance_enter_idle(): the idle task has stopped the tick. Interrupts are off in the kernel; no handler here looks
// at these words. The barrier lets who misses the CPU in the mask see has_blocked (nohz_idle_balance).
template <class M>
void nohz_balance_enter_idle(M& m, Cpu<M>& cpu) {
  using enum std::memory_order;
  Nohz<M>& nohz = cpu.system->nohz;
  if (!cpu.nohz_tick_stopped) {
    cpu.nohz_tick_stopped = true;
    m.fetch_or(nohz.idle_cpus_mask.word(cpu.mask_word), cpu.mask_bit, relaxed);
    m.fetch_add(nohz.nr_cpus, 1, relaxed);
    m.fence_after_rmw();
  }
  m.store(nohz.has_blocked, 1u, relaxed);
}

// nohz_balance_exit_idle(): this CPU is busy again, or goes offline (sched_cpu_deactivate).
template <class M>
void nohz_balance_exit_idle(M& m, Cpu<M>& cpu) {
  using enum std::memory_order;
  if (!cpu.nohz_tick_stopped) return;
  cpu.nohz_tick_stopped = false;
  m.fetch_and(cpu.system->nohz.idle_cpus_mask.word(cpu.mask_word), ~cpu.mask_bit, relaxed);
  m.fetch_sub(cpu.system->nohz.nr_cpus, 1, relaxed);
}

// nohz_balancer_kick(), called by a tick that finds the CPU busy, as far as it reads and writes what all share: nobody is
// kicked. A CPU whose tick never stopped does nothing here, since its ticks are no part of a workload.
template <class M>
void nohz_balancer_kick(M& m, Cpu<M>& cpu) {
  using enum std::memory_order;
  if (!cpu.nohz_tick_stopped) return;
  nohz_balance_exit_idle(m, cpu);
  if (m.load(cpu.system->nohz.nr_cpus, relaxed) != 0) m.load(cpu.system->nohz.has_blocked, relaxed);
}

}  // namespace mmscale::kernel
