// SPDX-License-Identifier: MIT
//
// What the pinned threads of a window execute: an emulated kernel running a Program, or a bare instruction
// loop. The window knows no more than this; the loop itself is inside run(), so that the virtual call is once
// per batch.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernel/tally.h"
#include "workload/program.h"

namespace mmscale::workload {

class Load {
 public:
  virtual ~Load() = default;

  // How many emulated CPUs, numbered from 0.
  virtual unsigned cpus() const = 0;

  // On CPU `cpu`'s pinned thread, in this order: boot (makes everything of its own, local to it), run any
  // number of times, finish (ends every process, goes to init_mm). Each passes a rendezvous of all CPUs.
  virtual void boot(unsigned cpu, unsigned os_cpu) = 0;

  // `rounds` passes over the CPU's program. False if stop() ended it early.
  virtual bool run(unsigned cpu, std::uint64_t rounds) = 0;

  virtual void finish(unsigned cpu) = 0;

  // Lets CPUs that wait for each other give up; run returns soon on all. From any CPU's own thread.
  virtual void stop(unsigned) {}

  // Context switches that one round of a CPU makes; 0 if it makes none.
  virtual std::uint32_t switches_per_round(unsigned) const { return 0; }

  // Whether its CPUs share nothing but what they contend for: one that stands still cannot hold the others up. (Of a Load
  // that consists of steps, the steps tell.)
  virtual bool contends_only() const { return false; }

  // What CPU `cpu` counted so far; from its own thread, or when it has finished.
  virtual kernel::Tally tally(unsigned) const { return {}; }

  // Around the run calls that are measured, on each CPU's own thread: a Load that measures something itself
  // begins and ends with the window.
  virtual void open_window(unsigned) {}
  virtual void close_window(unsigned) {}

  // The steps of a round, where it consists of steps, else empty; and the steps from `first` to before `last`
  // alone, `times` times over, as run takes all of them. For loads that wrap this one; together they must
  // make whole rounds.
  virtual std::span<const Step> steps(unsigned) const { return {}; }
  virtual bool run_part(unsigned, std::uint32_t, std::uint32_t, std::uint64_t) {
    throw std::logic_error("this load has no steps");
  }

  // After all have finished: everything that does not add up, one line each. A correct run returns none.
  virtual std::vector<std::string> audit() { return {}; }
};

}  // namespace mmscale::workload
