// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <utility>

#include "bench/families.h"
#include "scheme/known.h"
#include "topology/home.h"

namespace mmscale::bench {

measure::Subject subject_on(const topology::Layout& layout, const Choice& choice, std::string family,
                            const topology::Placement& placement, unsigned cpus) {
  measure::Subject subject;
  subject.family = std::move(family);
  subject.placement = topology::to_string(placement);
  subject.pus = topology::place(layout, placement, cpus);
  subject.home_node = home_of(layout, choice, subject.pus);
  return subject;
}

measure::Subject kernel_subject(const topology::Layout& layout, const Choice& choice, std::string family,
                                const std::string& scheme, const topology::Placement& placement,
                                unsigned cpus) {
  measure::Subject subject = subject_on(layout, choice, std::move(family), placement, cpus);
  subject.scheme = scheme;
  subject.lifecycle = choice.lifecycle;
  subject.lifecycle_reason = choice.lifecycle_reason;
  subject.settings = choice.settings;
  subject.absent =
      fmt::format("{}; {}", scheme::lifecycle_info(choice.lifecycle).absent, scheme::kAbsentEverywhere);
  subject.transport = choice.transport;
  subject.transport_reason = choice.transport_reason;
  subject.transport_caveat = choice.transport_caveat;
  return subject;
}

workload::SiliconSpec silicon_spec(const measure::Subject& subject) {
  return {.scheme = subject.scheme,
          .lifecycle = subject.lifecycle,
          .options = subject.settings.options,
          .rules = subject.settings.rules,
          .transport = subject.transport,
          .home_node = subject.home_node};
}

workload::Program program_of(const topology::Layout& layout, const measure::Subject& subject,
                             workload::Program (*build)(const workload::PatternParameters&)) {
  const auto groups = topology::groups(layout, subject.pus, topology::parse_sharing(subject.sharing));
  workload::PatternParameters parameters = subject.settings.processes;
  parameters.groups = groups;
  return build(parameters);
}

unsigned home_of(const topology::Layout& layout, const Choice& choice, const std::vector<unsigned>& pus) {
  if (choice.home_node) return *choice.home_node;
  const topology::Pu* first = topology::find(layout, pus.front());
  const unsigned node = first == nullptr ? topology::kNone : first->numa_node;
  // A model's nodes are none of this machine's, and all have memory.
  if (!layout.is_this_system) return node == topology::kNone ? 0 : node;
  return topology::nearest_memory(layout, node);
}

}  // namespace mmscale::bench
