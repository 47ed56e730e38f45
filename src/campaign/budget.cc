// SPDX-License-Identifier: MIT
#include "campaign/budget.h"

#include <algorithm>

#include "campaign/cpu_counts.h"

namespace mmscale::campaign {
namespace {

// One window of each case: how many there are, and what they take beyond their length.
struct Windows {
  std::int64_t count = 0;
  nanoseconds overhead{};
};

Windows windows_of(const Plan& plan, const BudgetRequest& request) {
  Windows windows;
  if (request.cases) {
    for (unsigned cpus : request.cases(plan.cpu_counts)) {
      ++windows.count;
      windows.overhead += window_overhead(cpus);
    }
    return windows;
  }
  for (unsigned cpus : plan.cpu_counts) {
    windows.count += request.cases_per_count;
    windows.overhead += request.cases_per_count * window_overhead(cpus);
  }
  return windows;
}

// The longest window, between `least` and kLongestWindow, with which the plan fits; `least` if none does.
nanoseconds longest_window(const Plan& plan, const BudgetRequest& request, nanoseconds least) {
  const Windows windows = windows_of(plan, request);
  if (windows.count == 0) return least;
  nanoseconds per_window = (request.budget / plan.repetitions - windows.overhead) / windows.count;
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
    const Windows windows = windows_of(plan, request);
    plan.expected =
        ((plan.times.warm + plan.times.measure) * windows.count + windows.overhead) * plan.repetitions;
    if (plan.expected <= request.budget) break;
  }
  return plan;
}

}  // namespace mmscale::campaign
