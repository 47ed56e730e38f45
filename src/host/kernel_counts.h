// SPDX-License-Identifier: MIT
//
// What the running kernel counted: context switches, interrupts, idle states, and what every task did. All of
// it is open to everybody; what is not there says why.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measure/interrupts.h"

namespace mmscale::host {

using measure::IpiKind;

// Running totals of one task (thread).
struct TaskCounts {
  pid_t process = 0;
  std::int64_t switches = 0;           // times it left a CPU: voluntary and nonvoluntary_ctxt_switches
  std::optional<std::int64_t> run_ns;  // CPU time
  std::optional<unsigned> cpu;         // where it ran last
  bool kernel_thread = false;
};

// Running totals of one idle state over the CPUs watched.
struct IdleState {
  std::string name;
  std::int64_t entries = 0;
  std::int64_t time_ns = 0;
};

// A row of /proc/interrupts that counts inter-processor interrupts.
struct IpiRow {
  std::string name;  // "RES", "IPI0"
  IpiKind kind = IpiKind::other;
  std::int64_t count = 0;  // taken by the CPUs watched
};

struct KernelCounts {
  std::int64_t time_ns = 0;              // CLOCK_MONOTONIC
  std::optional<std::int64_t> switches;  // context switches of all CPUs since boot: /proc/stat, ctxt
  std::optional<std::int64_t> forks;     // tasks (threads too) made since boot: /proc/stat, processes
  // `ipis_missing` says why if there are none.
  std::vector<IpiRow> ipis;
  std::string ipis_missing;
  // cpuidle's states; `idle_missing` says why if there are none.
  std::vector<IdleState> idle;
  std::string idle_missing;
  // Every task of the machine, by thread id. Where not every task can be seen, `tasks_missing` says why; the
  // map then holds those that can.
  std::map<pid_t, TaskCounts> tasks;
  std::string tasks_missing;
};

// The inter-processor rows of /proc/interrupts, in its order; counts are of those CPUs.
std::vector<IpiRow> parse_interrupts(std::string_view text, std::span<const unsigned> cpus);

// Above so many tasks they are not looked at: at some 20 us each it would be seconds.
inline constexpr std::size_t kMostTasks = 20'000;

// Reads all of it, for the CPUs given. `root` is where /proc and /sys are found. Takes some 30 us for each
// task: keep it outside of any measurement.
KernelCounts read_kernel_counts(std::span<const unsigned> cpus, const std::filesystem::path& root = "/");

// "haltpoll, governor haltpoll", or why it is not known.
std::string idle_driver(const std::filesystem::path& root = "/");

}  // namespace mmscale::host
