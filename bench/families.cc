// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>

#include "bench/families.h"
#include "kernel/lifecycle/catalogue.h"
#include "topology/home.h"

namespace mmscale::bench {

std::span<const Family> families() {
  static constexpr std::array kFamilies = {
      Family{.name = "switch",
             .what = "context switches per second under each scheme",
             .cases = switch_cases,
             .by_default = true},
      Family{.name = "floor",
             .what = "bare instruction loops in the same windows",
             .cases = floor_cases,
             .by_default = true},
      Family{.name = "teardown",
             .what = "the last drop of an mm, and what it does to CPUs that borrow it",
             .cases = teardown_cases,
             .least_cpus = 2},
      Family{.name = "mix",
             .what = "switch rate against exit rate, and where two schemes cost the same",
             .cases = mix_cases,
             .conclude = mix_conclusions},
      Family{.name = "ipi",
             .what = "interrupting 1, 2, ... other CPUs by each transport",
             .cases = ipi_cases,
             .least_cpus = 2},
      Family{.name = "line",
             .what = "passing a cache line between every pair of PUs",
             .cases = line_cases,
             .least_cpus = 2,
             .conclude = line_conclusions},
      Family{.name = "bounce",
             .what = "which CPU hands a contended line to which",
             .cases = bounce_cases,
             .least_cpus = 2},
      Family{.name = "explorer",
             .what = "exploring interleavings: steps per second of mmscale check",
             .cases = explorer_cases},
      Family{.name = "host_kernel",
             .what = "the running kernel's own switches, deaths and interrupting calls",
             .cases = host_kernel_cases,
             .conclude = host_kernel_conclusions},
#ifdef MMSCALE_SIMULATION
      Family{.name = "simulator",
             .what = "how fast the simulator is on one CPU of this host",
             .cases = simulator_cases},
#endif
  };
  return kFamilies;
}

measure::Subject kernel_subject(const topology::Layout& layout, const Choice& choice, std::string family,
                                const std::string& scheme, const topology::Placement& placement,
                                unsigned cpus) {
  measure::Subject subject;
  subject.family = std::move(family);
  subject.scheme = scheme;
  subject.placement = topology::to_string(placement);
  subject.lifecycle = choice.lifecycle;
  subject.mm_cid = kernel::to_string(choice.options.mm_cid);
  subject.rq_lock = choice.options.rq_lock;
  subject.irqs_off_activate_mm = choice.rules.irqs_off_activate_mm;
  subject.hotplug = kernel::to_string(choice.rules.hotplug);
  subject.absent = fmt::format("{}; {}", kernel::lifecycle::Catalogue::absent(choice.lifecycle),
                               kernel::lifecycle::kAbsentEverywhere);
  if (scheme == "nonlazy") subject.switch_ticks = choice.rules.tuning.switch_ticks;
  if (scheme == "shootdown-batch") subject.batch = choice.rules.tuning.batch;
  subject.transport = choice.transport;
  subject.transport_reason = choice.transport_reason;
  subject.transport_caveat = choice.transport_caveat;
  subject.pus = topology::place(layout, placement, cpus);
  subject.home_node = home_of(layout, choice, subject.pus);
  return subject;
}

workload::SiliconSpec silicon_spec(const std::string& scheme, const Choice& choice, unsigned home_node) {
  return {.scheme = scheme,
          .lifecycle = choice.lifecycle,
          .options = choice.options,
          .rules = choice.rules,
          .transport = choice.transport,
          .home_node = home_node};
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
