// SPDX-License-Identifier: MIT
//
// Family `switch`.
#include <fmt/format.h>

#include "bench/case.h"
#include "kernel/build.h"
#include "workload/patterns.h"
#include "workload/silicon_loads.h"

namespace mmscale::bench {
namespace {

// Everything a Load is made from, kept for as long as windows are run.
struct Plan {
  std::string scheme;
  std::string workload;
  std::vector<unsigned> groups;
  Choice choice;
  unsigned home_node;
};

std::unique_ptr<workload::Load> make_load(const Plan& plan) {
  const workload::Pattern* pattern = workload::find_pattern(plan.workload);
  return workload::make_silicon_load(
      {.scheme = plan.scheme,
       .lifecycle = plan.choice.lifecycle,
       .options = plan.choice.options,
       .transport = plan.choice.transport,
       .home_node = plan.home_node},
      pattern->build({.groups = plan.groups, .think = plan.choice.think, .lifetime = plan.choice.lifetime}));
}

Case make_case(const topology::Layout& layout, const Choice& choice, const std::string& workload_name,
               const std::string& scheme, const topology::Sharing& sharing,
               const topology::Placement& placement, unsigned cpus) {
  const std::vector<unsigned> pus = topology::place(layout, placement, cpus);
  Plan plan{scheme, workload_name, topology::groups(layout, pus, sharing), choice,
            home_of(layout, choice, pus)};
  measure::Subject subject;
  subject.family = "switch";
  subject.workload = workload_name;
  subject.scheme = scheme;
  subject.sharing = topology::to_string(sharing);
  subject.placement = topology::to_string(placement);
  subject.lifecycle = choice.lifecycle;
  subject.mm_cid = kernel::to_string(choice.options.mm_cid);
  subject.rq_lock = choice.options.rq_lock;
  subject.transport = choice.transport;
  subject.transport_reason = choice.transport_reason;
  subject.transport_caveat = choice.transport_caveat;
  subject.home_node = plan.home_node;
  subject.think_cycles = choice.think;
  subject.lifetime = choice.lifetime;
  subject.pus = pus;
  return {fmt::format("switch/{}/{}/{}/{}/cpus:{}", workload_name, scheme, subject.sharing, subject.placement,
                      cpus),
          std::move(subject), [plan = std::move(plan)] { return make_load(plan); }};
}

}  // namespace

std::vector<Case> switch_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  for (const auto& workload_name : choice.workloads)
    for (const auto& sharing : choice.sharings)
      for (const auto& placement : choice.placements)
        for (const unsigned cpus : choice.cpu_counts)
          for (const auto& scheme : choice.schemes)
            cases.push_back(make_case(layout, choice, workload_name, scheme, sharing, placement, cpus));
  return cases;
}

}  // namespace mmscale::bench
