// SPDX-License-Identifier: MIT
//
// Between simulator_loads.cc, which finds what a spec names, and the translation units that make it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "workload/simulator_loads.h"

namespace mmscale::workload {

// Where the emulated CPUs of a spec are in its model, and the package that a NUMA node belongs to.
std::vector<machine::simulator::Place> places_of(const SimulatorSpec& spec);
std::uint32_t package_of_node(const SimulatorSpec& spec);

// Defined in simulator_load.h, instantiated in a translation unit for each lifecycle (src/CMakeLists.txt).
// nullptr if there is no such scheme.
template <class Lifecycle>
std::unique_ptr<SimulatorLoad> make_simulator_load_under(const SimulatorSpec& spec, Program program);

}  // namespace mmscale::workload
