// SPDX-License-Identifier: MIT
//
// A case: one thing to measure, as often as there are repetitions; what a campaign may be asked for; and what a family makes of
// all its windows together, when the last one is over.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host/answer.h"
#include "measure/record.h"
#include "topology/placement.h"
#include "topology/sharing.h"
#include "workload/load.h"
#include "workload/settings.h"

namespace mmscale::campaign {

struct Case {
  std::string name;
  measure::Subject subject;
  // A fresh Load of the subject for one window: new mms on new pages each time.
  std::function<std::unique_ptr<workload::Load>(const measure::Subject&)> make_load;
  // Instead of make_load, where the running kernel is measured and not an emulated one: runs one window.
  std::function<host::Answer(const measure::Bench&, const measure::WindowTimes&)> ask = {};
  // What a window takes at least, warming up and cooling down included, however short it was asked to be.
  std::chrono::nanoseconds least = {};
};

// What a campaign was asked to measure: every combination of the lists.
struct Choice {
  std::vector<std::string> families;
  std::vector<std::string> workloads;
  std::vector<std::string> schemes;
  std::vector<topology::Sharing> sharings;
  std::vector<topology::Placement> placements;
  std::vector<unsigned> cpu_counts;
  std::string lifecycle = "powerpc";
  std::string lifecycle_reason;
  // The processes are those that switch, idle and die, but for who shares an mm.
  workload::Settings settings;
  std::string transport;
  std::string transport_reason;
  std::string transport_caveat;
  // Transports to compare in family `ipi`: all that work here, or the one asked for.
  std::vector<std::string> transports;
  // NUMA node of the contended mm; empty: the node of the first PU in use.
  std::optional<unsigned> home_node;
  // mix: thread exits per million switches of a CPU, ascending.
  std::vector<std::uint32_t> exits_per_million = {0, 1, 10, 100, 1'000, 10'000, 100'000};
  // line: all pairs of up to so many PUs, and of more a sample of so many.
  unsigned line_pus = 64;
};

// All records of a campaign: the repetitions of each case, case by case.
using Results = std::span<const std::vector<measure::Record>>;

// An entry of its own in the record file, beside the windows it was drawn from, and a line on the console.
struct Conclusion {
  std::string name;  // "mix/crossover/refcount-vs-shootdown/all/compact/cpus:2"
  std::string kind;  // the entry's aggregate_name
  // What the entry's real_time and cpu_time are; 0 if that is not defined.
  double ns = 0;
  unsigned repetitions = 0;
  std::vector<std::pair<std::string, double>> counters;
  std::shared_ptr<const nlohmann::ordered_json> details;
  std::string text;
};

}  // namespace mmscale::campaign
