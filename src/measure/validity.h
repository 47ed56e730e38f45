// SPDX-License-Identifier: MIT
// Whether a measurement window measured what it claims to. docs/validity.md explains each rule to users.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "measure/build_info.h"
#include "measure/disturbance.h"
#include "topology/quota.h"

namespace mmscale::measure {

// The least overlap fraction (statistics.h). Below it the CPUs ran alone for more than a twentieth of the
// time, and a figure that claims contention among all of them is partly one of fewer. Unhindered windows
// reach 0.99.
inline constexpr double kMinOverlap = 0.95;

// The largest share of the window that a thread may have waited behind other tasks. A switch loop that is not
// running loses that share of its operations, so 1 % stays below the spread of repetitions on a quiet
// machine.
inline constexpr double kMaxWaitShare = 0.01;

// The largest share of the window that the hypervisor may have taken from a CPU, for the same reason. The
// kernel counts whole ticks (10 ms as a rule), so in windows shorter than tick / share (1 s) one tick is too
// much, and less than one tick is not seen at all.
inline constexpr double kMaxStealShare = 0.01;

// The largest change of a CPU's arithmetic rate over the window. Clock steps are 100 MHz on Intel servers, 3
// to 5 % of their base clock, so what passes is one step at most; probes 200 ms apart differed by up to 3 %
// on a busy two-CPU virtual machine whose clock nobody touched.
inline constexpr double kMaxAluDrift = 0.05;

// The largest share of the time around a window that other tasks may have run on a CPU in use, where real
// context switches are measured: background load that keeps CPUs from going idle makes them *faster*.
inline constexpr double kMaxOthersShare = 0.01;

// CPU time of tasks that are none of ours, by the CPU they ran on last.
struct CpuOthers {
  unsigned cpu = 0;
  std::int64_t run_ns = 0;
};

// What was seen of one CPU in use. `cpu` is where its thread was to run; the rates are alu_rate() before and
// after the window, 0 where none was taken.
struct CpuConditions {
  unsigned cpu = 0;
  ThreadDisturbance thread;
  double alu_rate_before = 0;
  double alu_rate_after = 0;
};

// All that judge() looks at. The defaults are invalid on purpose: what nobody filled in must not pass.
struct WindowConditions {
  std::int64_t window_ns = 0;            // length of the window; shares are of this
  std::optional<double> overlap;         // overlap_fraction() of the CPUs
  bool pinned = false;                   // every thread's affinity, read back, was its one CPU
  bool topology_is_this_system = false;  // not a synthetic or loaded topology
  std::vector<CpuConditions> cpus;       // every CPU in use
  MachineDisturbance machine;            // of the same CPUs
  topology::CpuQuota quota;
  BuildInfo build;
  // Whether the threads sleep and wait for each other because that is what is measured. Waiting behind
  // another task is then no reason, since the other task is the partner; what others ran is looked at
  // instead.
  bool real_switches = false;
  std::vector<CpuOthers> others = {};  // during machine.elapsed_ns; empty: not known
  // Other tasks that ended in that time: what they ran, and where, is in no figure.
  std::optional<std::int64_t> others_ended = {};
};

// `valid` is "no reason against". Each reason is one line that names the figure; one that concerns CPUs names
// the worst and counts the others, so that there is never more than one reason for each rule, on any machine.
struct Verdict {
  bool valid = false;
  std::vector<std::string> reasons;
};

// A pure function of its input. A figure exactly at its limit passes. A figure that the system does not offer
// is no reason, except that without a wait time any involuntary switch is one. Frequency is not judged here:
// a clock that may scale is recorded, and one that did shows as drift.
Verdict judge(const WindowConditions& window);

}  // namespace mmscale::measure
