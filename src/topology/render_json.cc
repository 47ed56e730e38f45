// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "topology/render.h"

namespace mmscale::topology {
namespace {

using Json = nlohmann::ordered_json;

Json index(unsigned value) { return value == kNone ? Json(nullptr) : Json(value); }

Json pu_json(const Pu& pu) {
  return {{"os_index", pu.os_index},
          {"package", index(pu.package)},
          {"die", index(pu.die)},
          {"llc", index(pu.llc)},
          {"core", index(pu.core)},
          {"smt", pu.smt},
          {"numa_node", index(pu.numa_node)},
          {"core_kind", pu.core_kind},
          {"online", pu.online},
          {"in_cpuset", pu.in_cpuset},
          {"allowed", pu.allowed}};
}

Json numa_json(const NumaNode& node) {
  return {{"os_index", node.os_index},
          {"memory_bytes", node.memory_bytes},
          {"has_cpus", node.has_cpus},
          {"allowed", node.allowed}};
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
  json["reported_levels"] = {{"package", layout.reported.package},
                             {"die", layout.reported.die},
                             {"llc", layout.reported.llc},
                             {"core", layout.reported.core}};
  json["core_kinds_ranked"] = layout.core_kinds_ranked;
  json["core_kinds"] = Json::array();
  for (const CoreKind& kind : layout.core_kinds) json["core_kinds"].push_back({{"name", kind.name}});
  json["numa_nodes"] = Json::array();
  for (const NumaNode& node : layout.numa_nodes) json["numa_nodes"].push_back(numa_json(node));
  json["pus"] = Json::array();
  for (const Pu& pu : layout.pus) json["pus"].push_back(pu_json(pu));
  if (extras.quota) json["quota"] = quota_json(*extras.quota);
  if (extras.placed)
    json["placement"] = {{"name", to_string(extras.placed->placement)}, {"cpus", extras.placed->cpus}};
  // File names in `source` need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace mmscale::topology
