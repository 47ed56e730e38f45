// SPDX-License-Identifier: MIT
// Which NUMA node memory can be put on for a CPU.
#pragma once

#include <filesystem>

#include "topology/layout.h"

namespace mmscale::topology {

// Whether memory can live on that node: the cpuset lets us have it, and it has some, or no node is known to have any.
bool has_memory(const Layout& layout, const NumaNode& node);

// The node (OS number) with memory for us that is nearest to node `wanted`: that one itself if it has any. Nodes without
// memory are common: empty slots, POWER partitions, CPUs whose memory is CXL's, and those that cpuset.mems keeps from us.
// By the distances of the firmware (SLIT), read below `root`; where there are none or they are equal, the lowest number.
// Without any node 0, the only memory there is.
unsigned nearest_memory(const Layout& layout, unsigned wanted, const std::filesystem::path& root = "/");

}  // namespace mmscale::topology
