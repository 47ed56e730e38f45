// SPDX-License-Identifier: MIT
#include "machine/simulator/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace mmscale::machine::simulator {

std::vector<Place> places_of(const Model& model, const std::vector<unsigned>& pus) {
  std::vector<Place> places;
  for (const unsigned os_index : pus) {
    const auto found = std::ranges::find(model.layout.pus, os_index, &topology::Pu::os_index);
    if (found == model.layout.pus.end())
      throw std::invalid_argument(fmt::format("{} has no CPU {}", model.name, os_index));
    places.push_back(model.places[static_cast<std::size_t>(found - model.layout.pus.begin())]);
  }
  return places;
}

std::uint32_t package_of_node(const Model& model, unsigned node) {
  const auto local = std::ranges::find(model.layout.pus, node, &topology::Pu::numa_node);
  if (local != model.layout.pus.end()) return local->package;
  // A topology that names no nodes has one.
  if (node != 0) throw std::invalid_argument(fmt::format("{} has no NUMA node {}", model.name, node));
  return model.layout.pus.front().package;
}

}  // namespace mmscale::machine::simulator
