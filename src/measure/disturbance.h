// SPDX-License-Identifier: MIT
// What disturbed a measurement window: the scheduler, the hypervisor, the CPU quota, a changing clock.
// Everything here is read before and after a window, never within; validity.h judges the differences.
#pragma once

#include <time.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "topology/fd.h"

namespace mmscale::measure {

// Running totals of one thread.
struct ThreadSnapshot {
  bool counted = false;          // whether the system gives the next two away (a sandbox may not)
  std::int64_t involuntary = 0;  // times the thread was preempted
  std::int64_t voluntary = 0;    // times it slept
  std::optional<std::int64_t>
      wait_ns;         // time runnable but waiting behind other tasks, ns; exact while running
  unsigned cpu = 0;    // where the thread ran when the snapshot was taken
  bool bound = false;  // whether its affinity was that CPU alone
};

// What happened to a thread between two snapshots. `wait_ns` is empty where the kernel does not account
// for it.
struct ThreadDisturbance {
  bool counted = false;
  std::int64_t involuntary = 0;
  std::int64_t voluntary = 0;
  std::optional<std::int64_t> wait_ns;
  unsigned cpu_before = 0;
  unsigned cpu_after = 0;
  bool bound = false;     // whether it was bound to cpu_after alone, at the end
  bool migrated = false;  // before and after differ; a thread that came back in between is not seen
};

ThreadDisturbance operator-(const ThreadSnapshot& after, const ThreadSnapshot& before);

// Takes the snapshots of the thread that made it, and must be used by that thread only. A snapshot is two
// system calls and one getcpu, about 1 us: cheap enough just before and after a window.
class ThreadProbe {
 public:
  // `schedstat` is a parameter for tests. Where the file is missing or the kernel does not keep its figures
  // (it then reads "0 0 0", which is impossible for a thread that runs), snapshots have no wait_ns.
  explicit ThreadProbe(const std::filesystem::path& schedstat = "/proc/thread-self/schedstat");

  // What the system refuses is left at its default.
  ThreadSnapshot snapshot() const;

 private:
  topology::Fd schedstat_;
};

// CPU time of the calling thread, ns (CLOCK_THREAD_CPUTIME_ID): unlike schedstat's brought up to date when it is
// read, so that between two readings it is off by less than a microsecond. Nothing where the system refuses it.
std::optional<std::int64_t> thread_cpu_time_ns();

// Whether the kernel keeps a hypervisor's share out of CPU time (CONFIG_PARAVIRT_TIME_ACCOUNTING): what was stolen is
// then in the time that a thread did not run. False where the kernel's configuration cannot be read. Asks once.
bool cpu_time_excludes_steal();

// The kernel's clocks at one instant, ns.
struct Clocks {
  std::int64_t monotonic_ns = 0;  // CLOCK_MONOTONIC: what windows are measured by
  std::int64_t raw_ns = 0;        // CLOCK_MONOTONIC_RAW: the same hardware, which nobody corrects
  std::int64_t boot_ns = 0;       // CLOCK_BOOTTIME: goes on while the machine is suspended
};

// Reads all three within some microseconds. `read` is a parameter for tests.
Clocks read_clocks(std::int64_t (*read)(clockid_t) = nullptr);

// What was taken from one CPU behind its threads' backs. Empty where it is not known. Zero time is no proof of quiet: a
// hypervisor may take time without saying so.
struct CpuSteal {
  unsigned cpu = 0;
  std::optional<std::int64_t> stolen_ns;
  // How many late halves of interrupts that others' work brings: network, disks, tasklets.
  std::optional<std::int64_t> softirqs = {};
  // How many interrupts that no other CPU sent: devices, timers, the CPU's own counters.
  std::optional<std::int64_t> interrupts = {};
  std::optional<std::int64_t> ipis = {};  // and how many that another sent
};

// Running totals of the machine and of our cgroup.
struct MachineSnapshot {
  Clocks clocks;
  std::vector<CpuSteal> steal;                    // one for each CPU watched
  std::optional<std::int64_t> throttled_periods;  // quota periods in which our cgroup was stopped
  std::optional<std::int64_t> throttled_ns;       // time it was stopped
};

// What happened to the machine between two snapshots. Empty optionals are figures this system does not offer.
struct MachineDisturbance {
  std::int64_t elapsed_ns = 0;      // by CLOCK_MONOTONIC
  std::int64_t raw_elapsed_ns = 0;  // by CLOCK_MONOTONIC_RAW
  std::int64_t suspended_ns = 0;    // that the machine slept
  std::int64_t tick_ns = 0;         // stolen_ns is a multiple of this, and off by less than this either way
  // Of the kernel's own timer, at most: of CpuSteal::interrupts so many are nobody's.
  std::int64_t ticks_per_second = 0;
  std::vector<CpuSteal> steal;  // in the order of the CPUs watched
  std::optional<std::int64_t> throttled_periods;
  std::optional<std::int64_t> throttled_ns;
};

// Watches a set of CPUs and a cgroup. Reading /proc/stat and /proc/interrupts takes the kernel milliseconds on a large machine and
// runs on whatever CPU the caller is on: keep it well clear of the window.
class MachineProbe {
 public:
  // `cpus` are the operating system's numbers. `cpu_stat` is the cpu.stat file of the cgroup that holds our
  // quota (either version of cgroups); empty for none.
  explicit MachineProbe(std::vector<unsigned> cpus, std::filesystem::path cpu_stat = {},
                        std::filesystem::path root = "/");

  MachineSnapshot snapshot() const;

  // The difference of two snapshots of this probe. A counter that ran backwards (it does when a guest moves
  // to another host) has no difference.
  MachineDisturbance between(const MachineSnapshot& before, const MachineSnapshot& after) const;

 private:
  std::vector<unsigned> cpus_;
  std::filesystem::path cpu_stat_;
  std::filesystem::path root_;
  std::int64_t tick_ns_;
};

// Runs of the arithmetic probe, and dependent multiply-and-add steps in each: about 20 us a run at 3 GHz and
// 4 cycles a step. A run is long against reading the clock (about 0.1 %) and short against a timer tick.
inline constexpr int kAluRuns = 5;
inline constexpr int kAluSteps = 1 << 14;

// How fast this CPU computes now, in steps per ns: the best of kAluRuns runs of a chain in which each step
// needs the one before, so that nothing but the clock rate sets its pace. The best run is the one that
// nothing interrupted; all of them take about 100 us. Rates compare only within one build on one CPU. Take it
// while all CPUs in use are busy, since the highest clock rate depends on how many are.
double alu_rate();

// |after / before - 1|; nothing unless both rates are above zero.
std::optional<double> alu_drift(double before, double after);

}  // namespace mmscale::measure
