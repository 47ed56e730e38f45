// SPDX-License-Identifier: MIT
//
// What a family makes of all its windows together, when the last one is over.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "measure/record.h"

namespace mmscale::campaign {

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
