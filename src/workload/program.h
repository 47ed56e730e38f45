// SPDX-License-Identifier: MIT
//
// A workload is a program per CPU: a short array of steps, written before the clock starts and repeated for
// as long as it runs. Patterns and traces compile to this; one engine runs it in every world.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mmscale::workload {

// All that an emulated CPU can be told to do, by a workload, a trace or a case of the explorer. `n` is the operand. The
// last groups are for those who have what they need alone (engine.h, trace/replay_core.h, check/kernel_program.cc).
enum class Op : std::uint32_t {
  switch_to,  // context_switch to task n
  idle,       // context_switch to this CPU's idle task
  run,        // context_switch to task n, once no other CPU is on its stack
  exit,  // do_exit of the current task, which idle follows; with it process n may be over and is born anew

  // What a task does.
  born,         // task n starts a life in an mm of its own
  thread,       // kernel thread n starts a life
  clone,        // the current task makes task n, which is dead, a thread of its own mm (CLONE_VM)
  fork,         // the current task makes task n, in a copy of its mm
  exec,         // the current task, alone in its mm or a kernel thread, moves to a new one
  flush_pages,  // the current task gives pages back (madvise): a flush
  flush_tables,  // the current task gives page tables back (munmap): lazy CPUs must not sleep through this flush
  touch,         // the current task accesses user memory

  // What a kernel thread, or somebody who is no task, does.
  use_mm,       // kthread_use_mm of task n's mm
  unuse_mm,     // kthread_unuse_mm
  serve,        // use_mm, as a user of it (vhost, io_uring), so that it lives on meanwhile
  served,       // ... and stops doing so
  hold,         // mmgrab on task n's mm, or the current task's: an open /proc/pid/mem
  let_go,       // mmdrop of what this CPU holds, perhaps the last
  get_user,     // mmget of task n's mm (io_uring, /proc/pid/mem)
  put_user,     // mmput of the same
  flush_other,  // a flush of pages of task n's mm (KSM, khugepaged)
  efi,          // a call of EFI firmware by a kernel thread, which puts its active_mm aside meanwhile

  // What a CPU does.
  deep_idle,  // idle, it enters a state that loses the TLB
  stop_tick,  // idle, it stops its tick; of n such steps the n-th only
  busy_tick,  // the first tick of a busy CPU after such an idle period
  tick,       // a timer tick: frees what this CPU postponed, as far as it is ready
  offline,    // cpu_down, as far as this CPU carries it out
  replug,     // idle, it goes offline and comes back

  // Workloads: waiting, idle and with interrupts on, and what is waited for.
  think,        // run user code for n ticks of the CPU's counter
  await_birth,  // until process n lives again
  bear,         // process n is born, and this CPU is a user of its mm besides, as with get_user
  hand_off,     // task n, switched away from, is given to another CPU
  await_task,   // until task n has been handed off; one task per CPU only
  signal,       // event n
  await_event,  // until event n has happened once more; one event per CPU only

  // Traces.
  join,      // a task appears in the mm of another
  leave_mm,  // exit_mm of the current task, which is switched away from later

  // Cases of the explorer.
  kthread,  // context_switch to this CPU's kernel thread
  nmi,      // an NMI handler (perf) reads the context of active_mm
  // The two sides of a user program that leans on membarrier(2): x = 1; membarrier(); r1 = y against y = 1;
  // r2 = x, where only the first pays.
  slow_side,
  fast_side,
  // The two halves of the fast side, for a thread that moves to another CPU between them.
  fast_store,
  fast_load,
};

struct Step {
  // As operand of exit: nobody is born. Of hold: the current task.
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
  // Taken once, at boot.
  std::vector<Step> before = {};
};

// Everything is numbered by position. A process is the tasks that name it; all are born with it: at boot, unless there is
// a step that bears it.
struct Program {
  std::uint32_t processes = 0;
  std::vector<TaskSpec> tasks;
  std::vector<CpuProgram> cpus;
  // Without page tables nothing is flushed when a process dies, under any lifecycle.
  bool page_tables = true;
  // The processes have registered for membarrier(2)'s expedited command.
  bool registered = false;
  // What it takes an idle CPU to leave its idle state when it is interrupted.
  std::uint32_t idle_exit_ns = 0;
  // Ticks of the CPU's counter that whoever ends a process and makes the next one works for that besides.
  std::uint32_t death_ticks = 0;
  // Of each event how many signals make one.
  std::vector<std::uint32_t> signals = {};
  // How many mms may be alive at a time, the dying ones that lazy CPUs still hold included.
  std::uint32_t max_live_mms = 0;
};

// The switches of one pass, counted from the steps.
std::uint32_t count_switches(const std::vector<Step>& steps);

// One line of text per CPU, for tests and for people: "user0 idle", ...
std::string to_string(const Program& program, std::uint32_t cpu);

}  // namespace mmscale::workload
