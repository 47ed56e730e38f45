// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/shootdown.h"

namespace mmscale::scheme {

// Shootdown with FreeBSD's rule for exits (vmspace_exit, sys/vm/vm_map.c): a thread that is not the last moves to the
// kernel's own address space before it gives up its reference, "so that the subsequent pmap deactivation does not modify
// a freed vmspace"; the last one stays (refcount_release_if_last), and tears down what it has loaded. So exits leave one
// borrower behind, the CPU that ends the process, and a process of one thread never changes its page tables to die.
// FreeBSD's kernel threads borrow nothing; here CPUs that idle in the middle of a process' life still do.
//
// Needs of the lifecycle: shootdown's mask; that switch_mm may be called from exit_mm, interrupts off.
//
// Memory order: shootdown's. Two threads that both find another user left both move; each has before its own mmput.
//
// x86: 1 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct ShootdownVmspace0 : Shootdown {
  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    if (site != Site::exit_mm || m.load(mm->mm_users, std::memory_order_relaxed) == 1) return mm;
    auto* init_mm = &cpu.system->init_mm;
    cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, mm, init_mm);
    return init_mm;
  }

  static constexpr SchemeInfo kInfo = {
      .name = "shootdown-vmspace0",
      .summary = "shootdown whose exiting threads move to init_mm, but for the last one",
      .on_entry = "nothing; in exit_mm of a thread that is not the last a real switch to init_mm",
      .on_exit = "full barrier",
      .last_drop = "synchronous IPI to mm_cpumask, then free",
      .origin = "FreeBSD, vmspace_exit",
      .upstream = "FreeBSD; never posted for Linux",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
