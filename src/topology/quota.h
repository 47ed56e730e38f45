// SPDX-License-Identifier: MIT
// Limits of cgroups. CPU bandwidth (v2 cpu.max, v1 CFS quota): a cpuset says where we may run, a quota for how
// long: a throttled thread stands still with its CPU idle, which no affinity mask shows. Memory (v2 memory.max).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace mmscale::topology {

struct CpuQuota {
  std::optional<double> cpus;       // how many CPUs' worth of time; none: unlimited as far as can be seen
  std::string source;               // the file that sets it and what it says; empty if unlimited
  std::filesystem::path stat_path;  // the cpu.stat whose nr_throttled counts this limit; empty if unlimited
};

// The tightest limit of this process' cgroup and its ancestors, in both hierarchies. Ancestors outside the
// container cannot be seen. `root` is where /proc and /sys are looked for.
CpuQuota read_cpu_quota(const std::filesystem::path& root = "/");

// What the memory limits of the same cgroups leave, in bytes; none: no limit that can be seen. What files have in memory
// counts as used, though it would make room.
std::optional<std::uint64_t> read_memory_left(const std::filesystem::path& root = "/");

}  // namespace mmscale::topology
