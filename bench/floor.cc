// SPDX-License-Identifier: MIT
//
// Family `floor`: what bare instructions cost in the same windows.
#include <fmt/format.h>

#include "bench/families.h"
#include "workload/floor_loads.h"

namespace mmscale::bench {
namespace {

constexpr measure::Operation kPair = {"pairs/s", "pairs_per_second", "ns_per_pair", true};

std::vector<Case> floor_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  for (const auto& placement : choice.placements)
    for (const unsigned cpus : choice.cpu_counts)
      for (const workload::Floor& floor : workload::floors()) {
        const measure::Subject subject = floor_subject(layout, choice, floor.name, placement, cpus);
        std::string name = fmt::format("floor/{}/{}/cpus:{}", floor.name, subject.placement, cpus);
        cases.push_back({std::move(name), subject, [cpus](const measure::Subject& s) {
                           return workload::make_floor_load(s.scheme, cpus, s.home_node);
                         }});
      }
  return cases;
}

}  // namespace

Family floor_family() {
  return {.name = "floor",
          .what = "bare instruction loops in the same windows",
          .cases = floor_cases,
          .by_default = true,
          .place = 1};
}

measure::Subject floor_subject(const topology::Layout& layout, const Choice& choice, std::string_view loop,
                               std::string_view placement, std::vector<unsigned> pus) {
  measure::Subject subject;
  subject.family = "floor";
  subject.operation = &kPair;
  subject.scheme = loop;
  subject.placement = placement;
  subject.pus = std::move(pus);
  subject.home_node = home_of(layout, choice, subject.pus);
  return subject;
}

measure::Subject floor_subject(const topology::Layout& layout, const Choice& choice, std::string_view loop,
                               const topology::Placement& placement, unsigned cpus) {
  return floor_subject(layout, choice, loop, topology::to_string(placement),
                       topology::place(layout, placement, cpus));
}

}  // namespace mmscale::bench
