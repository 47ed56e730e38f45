// SPDX-License-Identifier: MIT
//
// A topology's XML of any bytes is read, by hwloc in its child, or is a TopologyError of one line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "memory_file.h"
#include "topology/synthetic_bounds.h"
#include "topology/topology.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mmscale::topology;
  const MemoryFile file(data, size);
  try {
    const Topology topology = Topology::from_xml(file.path());
    if (topology.pus().size() > kMostPus || topology.is_this_system()) std::abort();
  } catch (const TopologyError&) {
  }
  return 0;
}
