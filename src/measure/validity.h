// SPDX-License-Identifier: MIT
// Whether a measurement window measured what it claims to. docs/validity.md explains each rule to users.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "measure/account.h"
#include "measure/build_info.h"
#include "measure/disturbance.h"
#include "topology/quota.h"

namespace mmscale::measure {

// The least overlap fraction (statistics.h). Below it the CPUs ran alone for more than a twentieth of the
// time, and a figure that claims contention among all of them is partly one of fewer. Unhindered windows
// reach 0.99.
inline constexpr double kMinOverlap = 0.95;

// What the interval of a figure may carry besides its spread: a window counts for a figure if what disturbed it can
// have moved that figure by no more than this share. Stays below the spread of repetitions on a quiet machine.
inline constexpr double kMaxError = 0.01;

// The least share of its window that a CPU must have lost to a cause for that cause to be named.
inline constexpr double kWorthNaming = 0.001;

// How far CLOCK_MONOTONIC may go from the clock that nobody corrects. NTP moves it by 0.05 % at most; more is a
// step, or somebody who corrects fast, and moves every rate by as much.
inline constexpr double kMaxClockError = 0.001;

// How long the machine may have been asleep: the clocks of two readings differ by less.
inline constexpr std::int64_t kMaxSuspendedNs = 1'000'000;

// The largest change of a CPU's arithmetic rate over the window. Clock steps are 100 MHz on Intel servers, 3
// to 5 % of their base clock, so what passes is one step at most; probes 200 ms apart differed by up to 3 %
// on a busy two-CPU virtual machine whose clock nobody touched.
inline constexpr double kMaxAluDrift = 0.05;

// What an interrupt of others takes, with its late half and the caches that it leaves cold. In a 2-vCPU guest's switching a
// packet that another CPU steered there and a call by another CPU took 7 us each, a profiler's timer 13 us.
inline constexpr double kInterruptNs = 13'000;
// What wakes a window's thread, and a tick more than its length has.
inline constexpr double kInterruptsOfWindow = 2;

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
  std::optional<CpuAccount> account = {};
  bool sleeps = false;  // it sleeps until all is over, and has no account to give
  // Interrupts that CPUs of ours sent it, or more; empty: not known, and whoever sent any is not asked.
  std::optional<std::int64_t> own_ipis = {};
  // All others share a core, a cache or a package that it is not in: without it no line would travel as far.
  bool alone = false;
};

// All that judge() looks at. The defaults are invalid on purpose: what nobody filled in must not pass.
struct WindowConditions {
  std::int64_t window_ns = 0;            // length of the window; shares are of this
  std::optional<double> overlap;         // overlap_fraction() of the CPUs
  bool pinned = false;                   // every thread's affinity, read back before, was its one CPU
  bool topology_is_this_system = false;  // not a synthetic or loaded topology
  std::vector<CpuConditions> cpus;       // every CPU in use
  MachineDisturbance machine;            // of the same CPUs
  topology::CpuQuota quota;
  BuildInfo build;
  std::string emulator =
      {};  // who emulates these CPUs in software, so that times mean nothing; empty: nobody known
  // Whether a CPU that stands still can hold all others up. Where it cannot, they only contend.
  bool coupled = true;
  // Whether the time that threads are off their CPU is to be seen in the kernel's accounts of them: the hypervisor's
  // share is, where CPU time excludes it.
  bool cpu_time_excludes_steal = false;
  // Whether the threads sleep and wait for each other because that is what is measured. Waiting behind
  // another task is then no reason, since the other task is the partner; what others ran is looked
  // at instead.
  bool real_switches = false;
  std::vector<CpuOthers> others = {};  // during machine.elapsed_ns; empty: not known
  std::string others_missing = {};     // why they are not known, where real switches are measured
  // Other tasks that ended in that time: what they ran, and where, is in no figure.
  std::optional<std::int64_t> others_ended = {};
};

// How much of its window a CPU lost, as shares of the window, by cause.
struct CpuLoss {
  double waited = 0;       // runnable, behind other tasks
  double stood = 0;        // neither running nor waiting: stopped, frozen, throttled
  double stalled = 0;      // on the CPU by the kernel's account, but not coming on
  double interrupted = 0;  // for others' work, at kInterruptNs each
  double stolen = 0;       // taken by the hypervisor, to within a tick
  double away = 0;         // on another CPU
  double drifted = 0;      // arithmetic that is slower or faster than before, above kMaxAluDrift

  // Causes that may be two names for the same time are not counted twice: what is known best is the most.
  double all() const;
};

CpuLoss loss_of(const CpuConditions& cpu, std::size_t index, const WindowConditions& window);

// What disturbances can have done to the figures of a window, as shares of the figure; infinite if they can have
// made anything of it. docs/validity.md derives them.
struct ErrorBounds {
  double rate = 0;      // operations per second, time per operation
  double fairness = 0;  // a CPU's share, the ratio of the fastest to the slowest
  double time = 0;      // part of all samples that may have been taken while something was disturbed
};

ErrorBounds error_bounds(const WindowConditions& window);

// `valid` is "no reason against", for the rates. Each reason is one line that names the figure; one that concerns
// CPUs names the worst and counts the others, so that there is never more than one reason for each rule, on
// any machine.
struct Verdict {
  bool valid = false;
  std::vector<std::string> reasons;
  ErrorBounds bounds = {};
};

// A pure function of its input. A figure exactly at its limit passes. Steal, throttling and waiting that the system
// does not account for are no reason; that it does not say how long a thread ran is one.
Verdict judge(const WindowConditions& window);

}  // namespace mmscale::measure
