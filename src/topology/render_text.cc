// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>

#include "topology/cpu_list.h"
#include "topology/distance.h"
#include "topology/render.h"

namespace mmscale::topology {
namespace {

// Longer tables and lists are cut: whoever wants all of it asks for JSON.
constexpr std::size_t kRows = 32;
constexpr std::size_t kListItems = 24;

// Wide enough for an order that follows no pattern to stay readable.
constexpr std::size_t kWidth = 100;

using Pus = std::vector<const Pu*>;

std::string plural(std::size_t number, std::string_view one) {
  return fmt::format("{} {}{}", number, one, number == 1 ? "" : "s");
}

std::string counted(const std::vector<unsigned>& cpus) {
  return cpus.empty() ? "none" : fmt::format("{} ({})", format_cpu_list(cpus, kListItems), cpus.size());
}

// The PUs of each object of a level; the key is the object's index.
std::map<unsigned, Pus> by(const Pus& pus, unsigned Pu::*index) {
  std::map<unsigned, Pus> objects;
  for (const Pu* pu : pus) objects[pu->*index].push_back(pu);
  return objects;
}

std::vector<unsigned> os_indexes(const Pus& pus) {
  std::vector<unsigned> indexes;
  std::ranges::transform(pus, std::back_inserter(indexes), &Pu::os_index);
  std::ranges::sort(indexes);
  return indexes;
}

std::string indented(const std::string& lines) {
  std::string result = "  ";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    result += lines[i];
    if (lines[i] == '\n' && i + 1 < lines.size()) result += "  ";
  }
  return result;
}

// Draws the objects of one level, those alike and side by side
// once. Two objects are alike if their drawings are.
class Tree {
 public:
  explicit Tree(const Layout& layout) : layout_(layout) {}

  std::string packages(const Pus& pus) const {
    return level("package", by(pus, &Pu::package), [this](const Pus& package) { return dies(package); });
  }

 private:
  template <typename Draw>
  static std::string level(std::string_view name, const std::map<unsigned, Pus>& objects, Draw draw) {
    std::string text;
    std::string previous;
    std::size_t alike = 0;
    const auto flush = [&] {
      if (alike == 0) return;
      text += plural(alike, name) + (alike == 1 ? ":\n" : ", each:\n") + indented(previous);
    };
    for (const auto& [index, pus] : objects) {
      std::string drawing = draw(pus);
      if (alike != 0 && drawing != previous) {
        flush();
        alike = 0;
      }
      previous = std::move(drawing);
      ++alike;
    }
    flush();
    return text;
  }

  std::string dies(const Pus& package) const {
    const auto objects = by(package, &Pu::die);
    if (objects.size() == 1) return llcs(package);
    return level("die", objects, [this](const Pus& die) { return llcs(die); });
  }

  std::string llcs(const Pus& die) const {
    if (!layout_.reported.llc) return cores(die);
    return level("LLC", by(die, &Pu::llc), [this](const Pus& llc) { return cores(llc); });
  }

  // "4 cores of 2 CPUs"; runs of cores alike in size and kind.
  std::string cores(const Pus& pus) const {
    std::vector<std::pair<std::size_t, std::string>> runs;
    for (const auto& [index, siblings] : by(pus, &Pu::core)) {
      std::string what = "of " + plural(siblings.size(), "CPU");
      if (layout_.core_kinds.size() > 1) what += ", " + layout_.core_kinds[siblings.front()->core_kind].name;
      if (runs.empty() || runs.back().second != what) runs.emplace_back(0, what);
      ++runs.back().first;
    }
    std::string text;
    for (const auto& [number, what] : runs) text += fmt::format("{} {}\n", plural(number, "core"), what);
    return text;
  }

  const Layout& layout_;
};

std::string package_table(const Pus& online) {
  const auto packages = by(online, &Pu::package);
  std::string text = "packages:\n";
  std::size_t rows = 0;
  for (const auto& [index, pus] : packages) {
    if (rows++ == kRows) return text + fmt::format("  ... and {} more\n", packages.size() - kRows);
    text += fmt::format("  {}: CPUs {}\n", index, counted(os_indexes(pus)));
  }
  return text;
}

std::string numa_table(const Layout& layout, const Pus& online) {
  const auto local = by(online, &Pu::numa_node);
  const bool memory_known =
      std::ranges::any_of(layout.numa_nodes, [](const NumaNode& node) { return node.memory_bytes != 0; });
  std::string text = "NUMA nodes:\n";
  std::size_t rows = 0;
  for (const NumaNode& node : layout.numa_nodes) {
    if (rows++ == kRows) return text + fmt::format("  ... and {} more\n", layout.numa_nodes.size() - kRows);
    const auto cpus = local.find(node.os_index);
    text += fmt::format("  {}: ", node.os_index);
    if (node.memory_bytes != 0)
      text += fmt::format("{:.1f} GiB, ", double(node.memory_bytes) / (1u << 30));
    else if (memory_known)
      text += "no memory, ";
    text += cpus == local.end() ? "no CPUs" : fmt::format("CPUs {}", counted(os_indexes(cpus->second)));
    // Where there is none, no cpuset has it.
    const bool bare = memory_known && node.memory_bytes == 0;
    text += node.allowed || bare ? "\n" : ", not allowed\n";
  }
  if (const auto nowhere = local.find(kNone); nowhere != local.end())
    text += fmt::format("  no node: CPUs {}\n", counted(os_indexes(nowhere->second)));
  return text;
}

// What of the machine is ours, and what took the rest away.
std::string permissions(const Layout& layout) {
  std::vector<unsigned> offline, outside_cpuset, outside_affinity;
  for (const Pu& pu : layout.pus) {
    if (pu.allowed) continue;
    (!pu.online ? offline : !pu.in_cpuset ? outside_cpuset : outside_affinity).push_back(pu.os_index);
  }
  std::string text = fmt::format("allowed: {}\n", counted(list(layout, &Pu::allowed)));
  if (!outside_affinity.empty())
    text += fmt::format("outside the affinity mask: {}\n", counted(outside_affinity));
  if (!outside_cpuset.empty()) text += fmt::format("outside the cpuset: {}\n", counted(outside_cpuset));
  // A file holds what its writer was allowed, and the numbers alone of all else.
  if (!offline.empty())
    text += fmt::format("{}: {}\n",
                        layout.is_this_system ? "offline" : "offline or outside the cpuset of who wrote it",
                        counted(offline));
  return text;
}

std::string quota_lines(const CpuQuota& quota, unsigned allowed) {
  if (!quota.cpus) return "CPU quota: none\n";
  std::string text = fmt::format("CPU quota: {:.2f} CPUs ({})\n", *quota.cpus, quota.source);
  if (*quota.cpus < allowed) {
    text += fmt::format("  less than the {} allowed: more threads than that are throttled\n",
                        plural(allowed, "CPU"));
  }
  return text;
}

std::string missing_levels(const Levels& reported) {
  std::vector<std::string_view> missing;
  if (!reported.package) missing.emplace_back("package");
  if (!reported.die) missing.emplace_back("die");
  if (!reported.llc) missing.emplace_back("LLC");
  if (!reported.core) missing.emplace_back("core");
  if (missing.empty()) return {};
  return fmt::format("not reported by this machine: {}\n", fmt::join(missing, ", "));
}

// Breaks a comma-separated list at commas.
std::string wrapped(const std::string& items) {
  std::string text;
  std::size_t begin = 0;
  while (begin < items.size()) {
    std::size_t end = items.size();
    if (end - begin > kWidth) end = items.rfind(',', begin + kWidth) + 1;
    text += fmt::format("  {}\n", items.substr(begin, end - begin));
    begin = end;
  }
  return text;
}

std::string order_lines(const Layout& layout, const Placed& placed) {
  std::map<Distance, unsigned> from_first;
  for (std::size_t i = 1; i < placed.cpus.size(); ++i) {
    const Pu* first = find(layout, placed.cpus.front());
    const Pu* other = find(layout, placed.cpus[i]);
    if (first != nullptr && other != nullptr) ++from_first[distance(layout, *first, *other)];
  }
  const bool is_list = placed.placement.order == Order::kList;
  std::string text =
      fmt::format("{} of placement {}, in order of use:\n{}", plural(placed.cpus.size(), "CPU"),
                  is_list ? "list" : to_string(placed.placement), wrapped(format_cpu_list(placed.cpus)));
  if (from_first.empty()) return text;
  std::vector<std::string> counted;
  counted.reserve(from_first.size());
  for (const auto& [how_far, number] : from_first)
    counted.push_back(fmt::format("{} {}", number, to_string(how_far)));
  return text + fmt::format("  seen from the first: {}\n", fmt::join(counted, ", "));
}

}  // namespace

std::string summary(const Layout& layout) {
  const Counts counts = count(layout);
  return fmt::format("{}, {}, {}, {}", plural(counts.online, "CPU"), plural(counts.cores, "core"),
                     plural(counts.packages, "package"), plural(counts.numa_nodes, "NUMA node"));
}

std::string render_text(const Layout& layout, const Extras& extras) {
  Pus online;
  for (const Pu& pu : layout.pus)
    if (pu.online) online.push_back(&pu);
  std::string text = fmt::format("{} ({})\n", summary(layout), layout.source);
  if (!layout.is_this_system)
    text += "This is not the system we run on: nothing can be bound to these CPUs.\n";
  text += '\n' + Tree(layout).packages(online) + missing_levels(layout.reported);
  text += '\n' + package_table(online) + numa_table(layout, online);
  text += '\n' + permissions(layout);
  if (extras.quota) text += quota_lines(*extras.quota, count(layout).allowed);
  if (extras.placed) text += '\n' + order_lines(layout, *extras.placed);
  return text;
}

}  // namespace mmscale::topology
