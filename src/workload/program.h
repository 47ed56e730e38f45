// SPDX-License-Identifier: MIT
//
// A workload is a program per CPU: a short array of steps, written before the clock starts and repeated for
// as long as it runs. Patterns and traces compile to this; one engine runs it in every world.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mmscale::workload {

enum class Op : std::uint32_t {
  switch_to,    // context_switch to task `operand`
  idle,         // context_switch to this CPU's idle task
  exit,         // the current task dies and idle follows; the last of process `operand` bears it anew
  await_birth,  // idle, interrupts on, until process `operand` lives again
  think,        // run user code for `operand` ticks of the CPU's counter
  use_mm,       // the current kernel thread works in the mm of process `operand`, which lives on meanwhile
  unuse_mm,     // ... and stops doing so
  exec,         // the current task, alone in its mm or a kernel thread, moves to a new one
  clone,        // the current task makes task `operand`, which is dead, a thread of its own mm
  grab,         // this CPU pins the struct of the current task's mm, as an open /proc/pid/mem does
  drop,         // ... and lets go of it, perhaps as the last
  madvise,      // the current task gives pages back: a flush
  munmap,       // the current task gives page tables back: a flush that lazy CPUs must not sleep through
  deep_idle,    // this CPU, idle, enters an idle state that loses the TLB
  hand_off,     // task `operand`, switched away from, is given to another CPU
  await_task,   // idle, interrupts on, until task `operand` has been handed off; one task per CPU only
  replug,       // this CPU, idle, goes offline and comes back
};

struct Step {
  // As operand of exit: nobody is born.
  static constexpr std::uint32_t kNobody = UINT32_MAX;

  Op op;
  std::uint32_t operand = 0;

  bool operator==(const Step&) const = default;
};

// A task belongs to one emulated CPU, which runs it first and last; in between only hand_off moves it.
// kKernelThread as process: it has no mm.
struct TaskSpec {
  static constexpr std::uint32_t kKernelThread = UINT32_MAX;
  std::uint32_t cpu = 0;
  std::uint32_t process = kKernelThread;
};

struct CpuProgram {
  std::vector<Step> steps;
  // Context switches that one pass over `steps` makes: switch_to and idle one each, exit one.
  std::uint32_t switches = 0;
};

// Everything is numbered by position. A process is the tasks that name it; all are born with it.
struct Program {
  std::uint32_t processes = 0;
  std::vector<TaskSpec> tasks;
  std::vector<CpuProgram> cpus;
  // Without page tables nothing is flushed when a process dies, under any lifecycle.
  bool page_tables = true;
  // How many mms may be alive at a time, the dying ones that lazy CPUs still hold included.
  std::uint32_t max_live_mms = 0;
};

// The switches of one pass, counted from the steps.
std::uint32_t count_switches(const std::vector<Step>& steps);

// One line of text per CPU, for tests and for people: "user0 idle", ...
std::string to_string(const Program& program, std::uint32_t cpu);

}  // namespace mmscale::workload
