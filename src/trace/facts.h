// SPDX-License-Identifier: MIT
//
// What a first pass over a trace finds out: how large the emulated system must be, what the tasks are that
// were there before, and everything that does not fit.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "trace/event.h"

namespace mmscale::trace {

// What is known of a task that no event introduced.
struct Origin {
  // How sure one can be of what it is, in rising order.
  enum class What : std::uint8_t {
    guess_user,    // nothing says anything: taken for a process of one thread
    guess_kernel,  // its name is one that the kernel gives
    user,          // it forked with an mm of its own, or made a thread
    kernel,        // it slept in TASK_IDLE, or the recorder saw it as a kernel thread
  };
  What what = What::guess_user;
  // The recorder's snapshot says so: nothing is left to guess.
  bool recorded = false;
  Comm comm;
  std::int32_t pid = 0;
  // Its process, 0 if unknown.
  std::int32_t tgid = 0;

  bool is_kernel() const { return what == What::kernel || what == What::guess_kernel; }
};

// What did not fit, each counted and with the first of its kind.
enum class Oddity : std::uint8_t {
  lost,           // the tracer dropped events
  missed_switch,  // a CPU went on with another task than the one it had switched to
  two_places,     // a task was switched in on a CPU while another still ran it
  time_back,      // a time stamp before its predecessor's
  no_flags,       // sched_process_fork without task_newtask: thread or process?
  reborn,         // a pid was given out again, and its former owner never exited
  dead,           // a task did something after its exit
  either_cpu,     // a task moved, preempted, just before its exec or exit: where did its mm end?
  came_back,      // an mm came back to a CPU from where its only thread may have trimmed it
  filtered,       // left out by a filter
};
inline constexpr std::size_t kOddities = 10;
// Their names in a record.
inline constexpr std::array<std::string_view, kOddities> kOddityNames = {
    "lost",   "missed_switch", "two_places", "time_back", "no_flags",
    "reborn", "dead",          "either_cpu", "came_back", "filtered"};

struct Facts {
  // The trace's CPUs by their numbers there, ascending: emulated CPU i is cpus[i].
  std::vector<std::uint32_t> cpus;
  std::string format;
  std::uint64_t events = 0;
  std::uint64_t first_ns = 0;
  std::uint64_t last_ns = 0;

  std::uint64_t switches = 0;
  std::uint64_t forks = 0;
  std::uint64_t threads = 0;
  // Children that borrow the parent's mm until they execute (CLONE_VM without CLONE_THREAD): vfork,
  // posix_spawn.
  std::uint64_t vforks = 0;
  std::uint64_t execs = 0;
  std::uint64_t exits = 0;
  // Of user tasks, from one CPU to another.
  std::uint64_t migrations = 0;
  // Calls that the recorded kernel itself queued for other CPUs, by Call; all 0 if that was not traced.
  std::array<std::uint64_t, kCallNames.size()> calls{};
  // Mms that were there before, were born, died; how many were alive at most.
  std::uint64_t adopted = 0;
  std::uint64_t born = 0;
  std::uint64_t died = 0;
  std::uint64_t most_alive = 0;
  // Task slots in use at most.
  std::uint32_t slots = 0;
  std::uint64_t steps = 0;

  // Tasks that no event introduced, in the order of their appearance.
  std::vector<Origin> origins;
  // Of the sched_process_forks without clone_flags, in their order: whether the child is a thread (its tgid
  // says so).
  std::vector<bool> blind_threads;
  // The switches, counted from 1, before which the task that is left has changed its mm by an exec that is
  // traced later, on another CPU (exec_watch.h).
  std::vector<std::uint64_t> early_execs;

  struct Odd {
    std::uint64_t count = 0;
    std::uint64_t first_ns = 0;
    std::uint32_t first_cpu = 0;
    std::int32_t first_pid = 0;
  };
  std::array<Odd, kOddities> odd{};

  const Odd& of(Oddity oddity) const { return odd[static_cast<std::size_t>(oddity)]; }

  // The notes a person should read, one line each: what was assumed, what did not fit, and what follows.
  std::vector<std::string> explain() const;
};

// Whether a task of that name is, by all that is usual, a kernel thread: "kworker/0:1", "migration/3".
bool named_like_kernel(std::int32_t pid, std::string_view comm);

}  // namespace mmscale::trace
