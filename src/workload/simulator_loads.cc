// SPDX-License-Identifier: MIT
#include "workload/simulator_loads.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "kernel/lifecycle/catalogue.h"
#include "workload/simulator_load_under.h"

namespace mmscale::workload {

std::vector<machine::simulator::Place> places_of(const SimulatorSpec& spec) {
  const auto& pus = spec.model->layout.pus;
  std::vector<machine::simulator::Place> places;
  for (const unsigned os_index : spec.pus) {
    const auto found = std::ranges::find(pus, os_index, &topology::Pu::os_index);
    if (found == pus.end())
      throw std::invalid_argument(fmt::format("{} has no CPU {}", spec.model->name, os_index));
    places.push_back(spec.model->places[static_cast<std::size_t>(found - pus.begin())]);
  }
  return places;
}

std::uint32_t package_of_node(const SimulatorSpec& spec) {
  const auto& pus = spec.model->layout.pus;
  const auto local = std::ranges::find(pus, spec.home_node, &topology::Pu::numa_node);
  if (local != pus.end()) return local->package;
  // A topology that names no nodes has one.
  if (spec.home_node != 0)
    throw std::invalid_argument(fmt::format("{} has no NUMA node {}", spec.model->name, spec.home_node));
  return pus.front().package;
}

std::unique_ptr<SimulatorLoad> make_simulator_load(const SimulatorSpec& spec, Program program) {
  std::unique_ptr<SimulatorLoad> load;
  kernel::lifecycle::Catalogue::for_each([&]<class Lifecycle> {
    if (Lifecycle::kName == spec.lifecycle)
      load = make_simulator_load_under<Lifecycle>(spec, std::move(program));
  });
  if (!load)
    throw std::invalid_argument(
        fmt::format("no scheme '{}' under lifecycle '{}'", spec.scheme, spec.lifecycle));
  return load;
}

}  // namespace mmscale::workload
