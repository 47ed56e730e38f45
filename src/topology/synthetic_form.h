// SPDX-License-Identifier: MIT
// A machine in hwloc's synthetic notation, from which Topology::synthetic makes it again.
#pragma once

#include <string>

#include "topology/topology.h"

namespace mmscale::topology {

// The PUs that may be used and what is around them, with the operating system's numbers:
// "Package:1 [NUMANode(memory=...)] L3Cache:1(size=...) Core:2 PU:1". NUMA nodes without one of these PUs are
// left out. Throws TopologyError in one line where the notation has no words for it: the parts of one level
// must all be alike.
std::string synthetic_form(const Topology& topology);

}  // namespace mmscale::topology
