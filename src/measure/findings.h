// SPDX-License-Identifier: MIT
//
// What a Load measures by itself, beyond the counting that a window does for all: times of single events,
// figures of a question that only it asks. A record carries them beside its own.
#pragma once

#include <algorithm>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "measure/histogram.h"
#include "measure/window.h"

namespace mmscale::measure {

struct Findings {
  // The time of the operation in question, ns. Empty: the operation is what the window counted.
  std::optional<double> operation_ns;
  // What that is: "drop", "call".
  std::string operation;
  // The distribution that describes it best: its name among the counters, without _p50. Empty for none.
  std::string distribution;
  // Counters with the names they have in a record, which have _ where what they are made of has - ("other-package").
  std::vector<std::pair<std::string, double>> counters;
  // Members to add to the record's details; null if there are none. Shared, since records are copied.
  std::shared_ptr<const nlohmann::ordered_json> details;
  void add_details(const nlohmann::ordered_json& more);
  // What bound_errors() looks at.
  std::vector<std::pair<std::string, std::shared_ptr<const Histogram>>> distributions;

  void put(std::string_view name, double value) {
    std::ranges::replace(counters.emplace_back(name, value).first, '-', '_');
  }
  void put(std::string_view name, std::optional<double> value) {
    if (value) put(name, *value);
  }
  // A distribution as `name`_p50, _p90, _p99, _p999, _max, _mean and _count; only the count where nothing was
  // recorded. Values are multiplied by `scale`.
  void put(std::string_view name, const Histogram& values, double scale = 1);

  // Of every distribution that was put, how far its quantiles may be off if that part of its values, no matter which,
  // was taken while something was disturbed: `name`_p50_error and so on, as shares; none where they may be anything.
  // Once, when the window has been judged: the distributions are given up.
  void bound_errors(double disturbed);

  // The counter of that name.
  std::optional<double> counter(std::string_view name) const;
};

// A Load that has findings. They are those of the window between open_window and close_window.
class SelfMeasuring {
 public:
  virtual ~SelfMeasuring() = default;
  // After all CPUs have finished.
  virtual Findings findings(const Window& window) const = 0;
};

}  // namespace mmscale::measure
