// SPDX-License-Identifier: MIT
//
// The processes and threads of a window in which the running kernel is measured. They are forked for that one
// window, pinned, and held at a gate before and after, so that what the kernel counted can be read while all
// of them exist and none of them runs.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <vector>

#include "host/futex.h"
#include "host/shared.h"
#include "topology/topology.h"

namespace mmscale::host {

// what() is one line that says which process failed, and at what.
struct CastError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One thread: where it is pinned, and what it does between the gates. What the body leaves behind must be in
// shared memory. An exception of the body ends the window with CastError.
struct Part {
  unsigned pu = 0;
  std::function<void()> body;
};

// One process: its threads share an mm that nobody else has.
using Process = std::vector<Part>;

// Nobody is left behind: a process dies when the thread that made the Cast does, however that ends, and
// with the Cast. Interrupts from the terminal are left to whoever made it.
class Cast {
 public:
  // Forks, and returns when every part is pinned and waits at the first gate. The calling process' other
  // threads must be asleep: a lock that one of them held would be held for ever in the copy.
  Cast(const topology::Topology& topology, std::vector<Process> processes);
  ~Cast();
  Cast(const Cast&) = delete;
  Cast& operator=(const Cast&) = delete;

  // Opens the first gate; returns when every body has returned and its part waits at the second.
  // Throws CastError if a process dies, topology::StuckError if that takes longer than `patience`.
  void act(std::chrono::nanoseconds patience);

  // Opens the second gate and collects the processes. Throws as act().
  void dismiss();

  const std::vector<pid_t>& processes() const { return pids_; }

 private:
  struct Meeting {
    FutexWord arrived{0};
    FutexWord first_gate{0};
    FutexWord second_gate{0};
    FutexWord failed{0};
    char error[240] = {};
  };

  [[noreturn]] void run_process(const Process& process, pid_t parent);
  void run_part(const Part& part);
  void arrive_and_wait(FutexWord& gate);
  [[noreturn]] void fail(const char* what);
  void wait_for_arrivals(std::uint32_t expected, std::chrono::nanoseconds patience);
  void check_alive();
  void open(FutexWord& gate);
  void kill_all();

  const topology::Topology& topology_;
  SharedArray<Meeting> meeting_{1};
  std::uint32_t parts_ = 0;
  std::vector<pid_t> pids_;
};

}  // namespace mmscale::host
