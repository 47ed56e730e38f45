// SPDX-License-Identifier: MIT
//
// A situation to explore: who runs what at first, and a few steps for each CPU. Data, so that one description
// serves every scheme under every lifecycle.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "kernel/build.h"

namespace mmscale::check {

// What a CPU is told to do. `n` is the step's operand.
enum class Act : std::uint8_t {
  run,           // context_switch to user task n, once no other CPU is on its stack
  idle,          // context_switch to the idle task
  kthread,       // context_switch to this CPU's kernel thread
  exit,          // do_exit of the current task: exit_mm, then the switch to idle
  born,          // user task n starts a new life in a new mm
  flush_pages,   // munmap by the current task
  flush_tables,  // munmap that frees page tables
  deep_idle,     // an idle state that loses the TLB
  hold,          // mmgrab on user task n's mm, by somebody who is no task
  let_go,        // mmdrop of what this CPU holds
  use_mm,        // kthread_use_mm of user task n's mm
  unuse_mm,      // kthread_unuse_mm
  exec,          // exec_mmap into a new mm by the current task
  get_user,      // mmget of user task n's mm, by somebody who is no thread of it (io_uring, /proc/pid/mem)
  put_user,      // mmput of the same
  flush_other,   // a kernel thread (KSM, khugepaged) unmaps pages of user task n's mm
  tick,          // a timer tick: frees what this CPU postponed, as far as it is ready
  offline,       // cpu_down, as far as this CPU carries it out
  nmi,           // an NMI handler (perf) reads the context of active_mm
  efi,           // a call of EFI firmware by a kernel thread, which puts its active_mm aside meanwhile
  touch,         // the current task accesses user memory
  // The two sides of a user program that leans on membarrier(2): x = 1; membarrier(); r1 = y against y = 1;
  // r2 = x, where only the first pays.
  slow_side,
  fast_side,
};

struct Step {
  Act act;
  unsigned n = 0;
};

struct Case {
  std::string_view name;
  std::string_view what;
  unsigned cpus;
  // Of each user task: which mm it lives in at first.
  std::vector<unsigned> task_mm;
  // Done one after the other before anything is explored.
  struct Before {
    unsigned cpu;
    Step step;
  };
  std::vector<Before> before;
  // What each CPU does, explored.
  std::vector<std::vector<Step>> programs;
  kernel::Rules rules = {};
  // How often the exit of the first mm flushes (Mm::exit_flushes): 0, it has no page tables; 2, it has more than one batch
  // of them.
  unsigned exit_flushes = 1;
  // The process of the first mm has registered for membarrier(2), without which the kernel answers EPERM.
  bool registered = false;
  // Lifecycles whose rules it is about, a "*" behind the beginning of several; empty for all. Under the others it shows
  // nothing new, and is explored only where it is asked for by name.
  std::vector<std::string_view> only = {};

  bool concerns(std::string_view lifecycle) const;
};

// All cases, in the order of a table.
const std::vector<Case>& cases();

}  // namespace mmscale::check
