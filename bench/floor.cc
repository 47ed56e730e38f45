// SPDX-License-Identifier: MIT
//
// Family `floor`.
#include <fmt/format.h>

#include "bench/families.h"
#include "workload/floor_loads.h"

namespace mmscale::bench {

std::vector<Case> floor_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  for (const auto& placement : choice.placements)
    for (const unsigned cpus : choice.cpu_counts)
      for (const workload::Floor& floor : workload::floors()) {
        measure::Subject subject;
        subject.family = "floor";
        subject.scheme = floor.name;
        subject.placement = topology::to_string(placement);
        subject.pus = topology::place(layout, placement, cpus);
        subject.home_node = home_of(layout, choice, subject.pus);
        std::string name = fmt::format("floor/{}/{}/cpus:{}", floor.name, subject.placement, cpus);
        cases.push_back({std::move(name), subject, [name = floor.name, cpus, home = subject.home_node] {
                           return workload::make_floor_load(name, cpus, home);
                         }});
      }
  return cases;
}

}  // namespace mmscale::bench
