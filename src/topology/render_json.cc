// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "topology/render.h"

namespace mmscale::topology {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Pu, os_index, core, package, die, llc, numa_node, smt, core_kind, online,
                                   in_cpuset, allowed)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NumaNode, os_index, memory_bytes, has_cpus, allowed)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CoreKind, name)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Levels, package, die, llc, core)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Layout, source, is_this_system, pus, numa_nodes, core_kinds,
                                   core_kinds_ranked, reported)

namespace {

using Json = nlohmann::ordered_json;

Json pu_json(const Pu& pu) {
  Json json = nlohmann::json(pu);
  for (auto& [key, value] : json.items())
    if (value == kNone) value = nullptr;
  return json;
}

Json counts_json(const Counts& counts) {
  return {{"pus", counts.pus},           {"online", counts.online},
          {"allowed", counts.allowed},   {"cores", counts.cores},
          {"llcs", counts.llcs},         {"dies", counts.dies},
          {"packages", counts.packages}, {"numa_nodes", counts.numa_nodes}};
}

Json quota_json(const CpuQuota& quota) {
  return {{"cpus", quota.cpus ? Json(*quota.cpus) : Json(nullptr)},
          {"source", quota.source},
          {"stat_path", quota.stat_path.string()}};
}

}  // namespace

std::string render_json(const Layout& layout, const Extras& extras) {
  Json json;
  json["source"] = layout.source;
  json["is_this_system"] = layout.is_this_system;
  json["counts"] = counts_json(count(layout));
  json["reported_levels"] = nlohmann::json(layout.reported);
  json["core_kinds_ranked"] = layout.core_kinds_ranked;
  json["core_kinds"] = nlohmann::json(layout.core_kinds);
  json["numa_nodes"] = nlohmann::json(layout.numa_nodes);
  json["pus"] = Json::array();
  for (const Pu& pu : layout.pus) json["pus"].push_back(pu_json(pu));
  if (extras.quota) json["quota"] = quota_json(*extras.quota);
  if (extras.placed)
    json["placement"] = {{"name", to_string(extras.placed->placement)}, {"cpus", extras.placed->cpus}};
  // File names in `source` need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

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
