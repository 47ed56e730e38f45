// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/limits.h"
#include "topology/cpu_list.h"
#include "topology/render.h"
#include "topology/topology.h"

namespace mmscale::cli {
namespace {

struct TopoOptions {
  std::string synthetic;
  std::string xml;
  std::string allow;
  std::string placement;
  std::optional<std::uint32_t> cpus;
  bool json = false;
};

topology::Topology load(const TopoOptions& options) {
  if (!options.synthetic.empty()) return topology::Topology::synthetic(options.synthetic);
  if (!options.xml.empty()) return topology::Topology::from_xml(options.xml);
  return topology::Topology::host();
}

topology::Placed place(const topology::Layout& layout, const TopoOptions& options) {
  const auto placement = topology::parse_placement(options.placement.empty() ? "compact" : options.placement);
  if (!options.cpus) return {placement, topology::order(layout, placement)};
  return {placement, topology::place(layout, placement, *options.cpus)};
}

void show(const TopoOptions& options) {
  limit_cpu_time(kToShow);
  topology::Layout layout = load(options).layout();
  if (!options.allow.empty())
    layout = topology::allow_only(std::move(layout), topology::parse_cpu_list(options.allow));
  topology::Extras extras;
  if (layout.is_this_system) extras.quota = topology::read_cpu_quota();
  if (!options.placement.empty() || options.cpus) extras.placed = place(layout, options);
  fmt::print("{}",
             options.json ? topology::render_json(layout, extras) : topology::render_text(layout, extras));
}

}  // namespace

void add_topo_command(Start& start) {
  auto options = std::make_shared<TopoOptions>();
  Command command(start, "topo", "Show the CPUs, which of them are allowed, and placement orders");
  command.take("--synthetic", options->synthetic);
  command.take("--xml", options->xml);
  command.either("--xml", "--synthetic");
  command.take("--allow", options->allow);
  command.take("--placement", options->placement);
  command.take("--cpus", options->cpus);
  command.take("--json", options->json);
  command.run([options] {
    show(*options);
    return 0;
  });
}

}  // namespace mmscale::cli
