// SPDX-License-Identifier: MIT
#include "topology/home.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <tuple>

#include "topology/cpu_list.h"

namespace mmscale::topology {
namespace {

// From one node to each: /sys/devices/system/node/nodeN/distance has a number for each node that is online, ascending.
std::map<unsigned, unsigned> distances_from(unsigned node, const std::filesystem::path& root) {
  const auto nodes = root / "sys/devices/system/node";
  std::ifstream online_file(nodes / "online");
  std::ifstream file(nodes / fmt::format("node{}/distance", node));
  std::map<unsigned, unsigned> distances;
  std::string line;
  if (!std::getline(online_file, line)) return distances;
  try {
    for (const unsigned online : parse_cpu_list(line)) {
      unsigned distance = 0;
      if (!(file >> distance)) break;
      distances[online] = distance;
    }
  } catch (const CpuListError&) {
    // Not a list of nodes: nothing is known.
  }
  return distances;
}

}  // namespace

bool has_memory(const Layout& layout, const NumaNode& node) {
  const bool known =
      std::ranges::any_of(layout.numa_nodes, [](const NumaNode& one) { return one.memory_bytes != 0; });
  return node.allowed && (node.memory_bytes != 0 || !known);
}

unsigned nearest_memory(const Layout& layout, unsigned wanted, const std::filesystem::path& root) {
  const std::map<unsigned, unsigned> distances = distances_from(wanted, root);
  const auto distance_to = [&](unsigned node) {
    if (node == wanted) return 0u;
    const auto found = distances.find(node);
    return found == distances.end() ? std::numeric_limits<unsigned>::max() : found->second;
  };
  std::tuple<unsigned, unsigned> nearest{std::numeric_limits<unsigned>::max(), 0};
  bool any = false;
  for (const NumaNode& node : layout.numa_nodes) {
    if (!has_memory(layout, node)) continue;
    const std::tuple candidate{distance_to(node.os_index), node.os_index};
    if (!any || candidate < nearest) nearest = candidate;
    any = true;
  }
  return std::get<1>(nearest);
}

}  // namespace mmscale::topology
