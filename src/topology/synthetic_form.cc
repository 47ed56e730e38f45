// SPDX-License-Identifier: MIT
#include "topology/synthetic_form.h"

#include <fmt/format.h>

#include <array>
#include <memory>

#include "topology/bitmap.h"
#include "topology/cpu_list.h"

namespace mmscale::topology {

std::string synthetic_form(const Topology& topology) {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_dup(&raw, topology.native()) != 0)
    throw TopologyError("hwloc: cannot copy the topology, out of memory");
  const std::unique_ptr<hwloc_topology, decltype(&hwloc_topology_destroy)> copy(raw, hwloc_topology_destroy);
  const std::vector<unsigned> allowed = list(topology.layout(), &Pu::allowed);
  Bitmap cpus;
  for (const unsigned pu : allowed) hwloc_bitmap_set(cpus.get(), pu);
  // Above 4,096 PUs whose numbers follow no rule it does not fit, which hwloc says by the length.
  std::array<char, 32768> text{};
  int length = -1;
  if (hwloc_topology_restrict(raw, cpus.get(), HWLOC_RESTRICT_FLAG_REMOVE_CPULESS) == 0)
    length = hwloc_topology_export_synthetic(raw, text.data(), text.size(), 0);
  if (length < 0 || static_cast<std::size_t>(length) >= text.size() - 1)
    throw TopologyError(fmt::format(
        "{}: CPUs {} cannot be written in hwloc's synthetic notation, in which all packages, caches "
        "and cores are alike; taskset to CPUs that are",
        topology.layout().source, format_cpu_list(allowed)));
  return text.data();
}

}  // namespace mmscale::topology
