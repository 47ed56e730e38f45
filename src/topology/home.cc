// SPDX-License-Identifier: MIT
#include "topology/home.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>

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
  } catch (const std::invalid_argument&) {
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
  std::map<unsigned, unsigned> distances = distances_from(wanted, root);
  distances[wanted] = 0;
  std::set<std::pair<unsigned, unsigned>> by_distance;
  for (const NumaNode& node : layout.numa_nodes)
    if (has_memory(layout, node))
      by_distance.emplace(distances.try_emplace(node.os_index, UINT_MAX).first->second, node.os_index);
  return by_distance.empty() ? 0 : by_distance.begin()->second;
}

}  // namespace mmscale::topology
