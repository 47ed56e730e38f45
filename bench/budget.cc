// SPDX-License-Identifier: MIT
#include "bench/budget.h"

#include <algorithm>

#include "bench/cpu_counts.h"

namespace mmscale::bench {
namespace {

nanoseconds expected(const Plan& plan, unsigned cases_per_count) {
  nanoseconds one_of_each{};
  for (unsigned cpus : plan.cpu_counts)
    one_of_each += plan.times.warm + plan.times.measure + window_overhead(cpus);
  return one_of_each * cases_per_count * plan.repetitions;
}

// The longest window, between `least` and kLongestWindow, with which the plan fits; `least` if none does.
nanoseconds longest_window(const Plan& plan, const BudgetRequest& request, nanoseconds least) {
  nanoseconds overhead{};
  for (unsigned cpus : plan.cpu_counts) overhead += window_overhead(cpus);
  const auto windows = static_cast<std::int64_t>(plan.cpu_counts.size());
  const nanoseconds for_each = request.budget / (std::int64_t{request.cases_per_count} * plan.repetitions);
  nanoseconds per_window = (for_each - overhead) / windows;
  per_window = request.warm ? per_window - *request.warm : per_window * kWarmShare / (kWarmShare + 1);
  return std::clamp(per_window, least, kLongestWindow);
}

}  // namespace

nanoseconds window_overhead(unsigned cpus) { return std::chrono::microseconds(2000 + 50 * cpus); }

Plan make_plan(const BudgetRequest& request) {
  struct Step {
    unsigned per_octave;
    nanoseconds least_window;
    unsigned repetitions;
  };
  constexpr nanoseconds kGoodWindow{50'000'000};
  constexpr Step kSteps[] = {
      {8, kGoodWindow, kWantedRepetitions},
      {4, kGoodWindow, kWantedRepetitions},
      {2, kGoodWindow, kWantedRepetitions},
      {1, kGoodWindow, kWantedRepetitions},
      {1, kGoodWindow, 7},
      {1, kGoodWindow, 5},
      {1, kShortestWindow, 5},
      {1, kShortestWindow, kLeastRepetitions},
  };
  Plan plan;
  for (const Step& step : kSteps) {
    plan.cpu_counts = request.cpu_counts.value_or(octave_counts(request.all_cpus, step.per_octave));
    plan.repetitions = request.repetitions.value_or(step.repetitions);
    plan.times.measure = request.window.value_or(longest_window(plan, request, step.least_window));
    plan.times.warm = request.warm.value_or(plan.times.measure / kWarmShare);
    plan.expected = expected(plan, request.cases_per_count);
    if (plan.expected <= request.budget) break;
  }
  return plan;
}

}  // namespace mmscale::bench
