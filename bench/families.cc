// SPDX-License-Identifier: MIT
#include <array>
#include <span>

#include "bench/case.h"

namespace mmscale::bench {

std::span<const Family> families() {
  static constexpr std::array<Family, 2> kFamilies = {{
      {"switch", "context switches per second under each scheme", switch_cases},
      {"floor", "bare instruction loops in the same windows", floor_cases},
  }};
  return kFamilies;
}

unsigned home_of(const topology::Layout& layout, const Choice& choice, const std::vector<unsigned>& pus) {
  if (choice.home_node) return *choice.home_node;
  const topology::Pu* first = topology::find(layout, pus.front());
  return first == nullptr || first->numa_node == topology::kNone ? 0 : first->numa_node;
}

}  // namespace mmscale::bench
