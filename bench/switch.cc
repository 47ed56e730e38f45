// SPDX-License-Identifier: MIT
//
// Family `switch`.
#include <fmt/format.h>

#include "bench/families.h"
#include "measure/sampled_load.h"
#include "workload/patterns.h"
#include "workload/silicon_loads.h"

namespace mmscale::bench {
namespace {

Case make_case(const topology::Layout& layout, const Choice& choice, const std::string& workload_name,
               const std::string& scheme, const topology::Sharing& sharing,
               const topology::Placement& placement, unsigned cpus) {
  measure::Subject subject = kernel_subject(layout, choice, "switch", scheme, placement, cpus);
  const workload::Pattern* pattern = workload::find_pattern(workload_name);
  subject.workload = workload_name;
  subject.sharing = topology::to_string(sharing);
  subject.settings.processes = pattern->used_of(choice.settings.processes);
  std::string name = fmt::format("switch/{}/{}/{}/{}/cpus:{}", workload_name, scheme, subject.sharing,
                                 subject.placement, cpus);
  return {std::move(name), std::move(subject),
          [&layout, pattern](const measure::Subject& s) -> std::unique_ptr<workload::Load> {
            auto load = workload::make_silicon_load(silicon_spec(s), program_of(layout, s, pattern->build));
            if (!s.settings.latency) return load;
            return std::make_unique<measure::SampledLoad>(std::move(load));
          }};
}

// Single-threaded processes share nothing, whatever was asked for.
std::vector<topology::Sharing> sharings_of(const std::string& workload_name, const Choice& choice) {
  if (workload::find_pattern(workload_name)->single_threaded) return {topology::parse_sharing("private")};
  return choice.sharings;
}

}  // namespace

std::vector<Case> switch_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  for (const auto& workload_name : choice.workloads)
    for (const auto& sharing : sharings_of(workload_name, choice))
      for (const auto& placement : choice.placements)
        for (const unsigned cpus : choice.cpu_counts)
          for (const auto& scheme : choice.schemes)
            cases.push_back(make_case(layout, choice, workload_name, scheme, sharing, placement, cpus));
  return cases;
}

Family switch_family() {
  return {.name = "switch",
          .what = "context switches per second under each scheme",
          .cases = switch_cases,
          .by_default = true,
          .place = 0};
}

}  // namespace mmscale::bench
