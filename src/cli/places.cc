// SPDX-License-Identifier: MIT
#include "cli/places.h"

#include <fmt/format.h>

#include <cstdio>
#include <vector>

#include "cli/names.h"
#include "machine/silicon/home_binding.h"
#include "machine/simulator/model_file.h"
#include "machine/simulator/model_store.h"
#include "topology/home.h"

namespace mmscale::cli {

machine::simulator::Model load_machine(const std::string& given, double scale) {
  if (given.find('/') == std::string::npos && !given.ends_with(".json")) {
    const std::vector<std::string> names = machine::simulator::model_names();
    const std::vector<std::string_view> allowed(names.begin(), names.end());
    check_name("--machine", given, allowed);
  }
  return machine::simulator::load_model(given, scale);
}

void check_home(const topology::Layout& layout, std::optional<std::uint32_t> home, std::string_view where) {
  if (!home) return;
  std::vector<unsigned> nodes;
  for (const topology::NumaNode& node : layout.numa_nodes)
    if (topology::has_memory(layout, node)) nodes.push_back(node.os_index);
  if (nodes.empty()) nodes.push_back(0);
  if (!topology::contains(nodes, *home))
    throw UsageError(fmt::format("--home {}: {} has no such NUMA node with memory for us; there are {}",
                                 *home, where, fmt::join(nodes, ", ")));
}

std::string note_home(const topology::Layout& layout, const std::set<unsigned>& nodes) {
  if (layout.source != "this host") fmt::print(stderr, "mmscale: {}\n", layout.source);
  std::string unbound;
  for (const unsigned node : nodes) {
    const std::string why = machine::silicon::why_unbound(node);
    if (why.empty()) continue;
    const std::string text = machine::silicon::unbound_text(node, why);
    fmt::print(stderr, "mmscale: {}\n", text);
    unbound += (unbound.empty() ? "" : "; ") + text;
  }
  return unbound;
}

}  // namespace mmscale::cli
