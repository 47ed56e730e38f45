// SPDX-License-Identifier: MIT
#include "topology/layout_bytes.h"

#include <nlohmann/json.hpp>

namespace mmscale::topology {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Pu, os_index, core, package, die, llc, numa_node, smt, core_kind, online,
                                   in_cpuset, allowed)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NumaNode, os_index, memory_bytes, has_cpus, allowed)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CoreKind, name)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Levels, package, die, llc, core)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Layout, source, is_this_system, pus, numa_nodes, core_kinds,
                                   core_kinds_ranked, reported)

std::string to_bytes(const Layout& layout) {
  std::string bytes;
  // CBOR, since file names in `source` need not be UTF-8.
  nlohmann::json::to_cbor(layout, bytes);
  return bytes;
}

std::optional<Layout> from_bytes(std::string_view bytes) {
  try {
    return nlohmann::json::from_cbor(bytes).get<Layout>();
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace mmscale::topology
