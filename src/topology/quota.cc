// SPDX-License-Identifier: MIT
#include "topology/quota.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "topology/text.h"

namespace mmscale::topology {
namespace {

namespace fs = std::filesystem;

enum class Version { kV1, kV2 };

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

struct Mount {
  fs::path root;   // which cgroup is mounted
  fs::path point;  // where
};

// proc(5): "36 35 98:0 /root /point options [tags...] - type source super-options".
std::vector<Mount> cgroup_mounts(const fs::path& root, Version version, std::string_view controller) {
  std::vector<Mount> mounts;
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string skipped, mount_root, point, type, source, options;
    fields >> skipped >> skipped >> skipped >> mount_root >> point;
    while (fields >> skipped && skipped != "-") continue;
    if (!(fields >> type >> source >> options)) continue;
    const bool wanted = version == Version::kV2
                            ? type == "cgroup2"
                            : type == "cgroup" && contains(split_list(options), controller);
    if (wanted) mounts.push_back({unescaped(mount_root), unescaped(point)});
  }
  return mounts;
}

// proc(5): "hierarchy:controllers:path", where v2 is hierarchy 0 without controllers.
std::optional<fs::path> own_cgroup(const fs::path& root, Version version, std::string_view controller) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool wanted =
        version == Version::kV2 ? line.starts_with("0::") : contains(split_list(controllers), controller);
    if (wanted) return line.substr(second + 1);
  }
  return std::nullopt;
}

// The part of our cgroup's path below what is mounted; empty if it lies outside, as inside a container that
// shows the host's paths: the mount point is then as near to our cgroup as we get.
fs::path below_mount(const fs::path& cgroup, const fs::path& mounted) {
  fs::path relative = cgroup.lexically_relative(mounted);
  if (relative.empty() || relative == "." || *relative.begin() == "..") return {};
  return relative;
}

// Calls f(directory, version) for this process' cgroup and its ancestors, in both hierarchies.
template <class F>
void for_each_cgroup(const fs::path& root, std::string_view controller, F&& f) {
  for (Version version : {Version::kV2, Version::kV1}) {
    const auto cgroup = own_cgroup(root, version, controller);
    if (!cgroup) continue;
    for (const Mount& mount : cgroup_mounts(root, version, controller)) {
      fs::path directory = root / mount.point.relative_path();
      f(directory, version);
      for (const fs::path& step : below_mount(*cgroup, mount.root)) f(directory /= step, version);
    }
  }
}

// "quota period" of one cgroup directory in microseconds, as
// the two versions write it; "max" and -1 mean no limit.
CpuQuota limit_of(const fs::path& directory, Version version) {
  const fs::path file = directory / (version == Version::kV2 ? "cpu.max" : "cpu.cfs_quota_us");
  const std::string text = version == Version::kV2
                               ? first_line(file)
                               : first_line(file) + ' ' + first_line(directory / "cpu.cfs_period_us");
  std::istringstream numbers(text);
  double quota = 0;
  double period = 0;
  if (!(numbers >> quota >> period) || quota <= 0 || period <= 0) return {};
  return {.cpus = quota / period,
          .source = fmt::format("{}: {:.0f} of {:.0f} us", file.string(), quota, period),
          .stat_path = directory / "cpu.stat"};
}

}  // namespace

CpuQuota read_cpu_quota(const fs::path& root) {
  CpuQuota tightest;
  for_each_cgroup(root, "cpu", [&tightest](const fs::path& directory, Version version) {
    CpuQuota limit = limit_of(directory, version);
    if (limit.cpus && (!tightest.cpus || *limit.cpus < *tightest.cpus)) tightest = std::move(limit);
  });
  return tightest;
}

std::optional<std::uint64_t> read_memory_left(const fs::path& root) {
  std::optional<std::uint64_t> least;
  for_each_cgroup(root, "memory", [&least](const fs::path& directory, Version version) {
    const bool v2 = version == Version::kV2;
    std::istringstream limit(first_line(directory / (v2 ? "memory.max" : "memory.limit_in_bytes")));
    std::istringstream usage(first_line(directory / (v2 ? "memory.current" : "memory.usage_in_bytes")));
    std::uint64_t most = 0;
    std::uint64_t used = 0;
    // "max" is no number.
    if (!(limit >> most) || !(usage >> used)) return;
    const std::uint64_t left = most > used ? most - used : 0;
    least = std::min(least.value_or(left), left);
  });
  return least;
}

}  // namespace mmscale::topology
