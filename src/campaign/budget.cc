// SPDX-License-Identifier: MIT
#include "campaign/budget.h"

#include <algorithm>

#include "campaign/cpu_counts.h"

namespace mmscale::campaign {
namespace {

// One window of each case: how many there are, what they take beyond their length, and how long those take that cannot
// be shorter.
struct Windows {
  std::int64_t count = 0;
  nanoseconds overhead{};
  std::vector<nanoseconds> least;

  nanoseconds take(const measure::WindowTimes& times) const {
    nanoseconds sum = (times.warm + times.measure) * count + overhead;
    for (const nanoseconds one : least) sum += std::max(one - times.warm - times.measure, nanoseconds(0));
    return sum;
  }
};

Windows windows_of(const std::vector<CaseTime>& cases) {
  Windows windows;
  for (const CaseTime& one : cases) {
    ++windows.count;
    windows.overhead += window_overhead(one.cpus);
    if (one.least > nanoseconds(0)) windows.least.push_back(one.least);
  }
  return windows;
}

// The longest window, between `least` and kLongestWindow, with which the plan fits; `least` if none does.
measure::WindowTimes longest_window(const Windows& windows, const BudgetRequest& request,
                                    unsigned repetitions, nanoseconds least) {
  const auto times = [&](nanoseconds window) {
    window = request.window.value_or(window);
    return measure::WindowTimes{.warm = request.warm.value_or(window / kWarmShare), .measure = window};
  };
  const auto fits = [&](nanoseconds window) {
    return windows.take(times(window)) * repetitions <= request.budget;
  };
  nanoseconds most = kLongestWindow;
  if (fits(most)) return times(most);
  while (most - least > nanoseconds(1)) {
    const nanoseconds middle = least + (most - least) / 2;
    (fits(middle) ? least : most) = middle;
  }
  return times(least);
}

}  // namespace

nanoseconds window_overhead(unsigned cpus) { return std::chrono::microseconds(2000 + 50 * cpus); }

nanoseconds time_of(const Plan& plan, const std::vector<CaseTime>& cases) {
  return windows_of(cases).take(plan.times) * plan.repetitions;
}

Plan make_plan(const BudgetRequest& request) {
  struct Step {
    unsigned per_octave;
    unsigned octaves;
    nanoseconds least_window;
    unsigned repetitions;
  };
  constexpr nanoseconds kGoodWindow{50'000'000};
  constexpr Step kSteps[] = {
      {8, 1, kGoodWindow, kWantedRepetitions},
      {4, 1, kGoodWindow, kWantedRepetitions},
      {2, 1, kGoodWindow, kWantedRepetitions},
      {1, 1, kGoodWindow, kWantedRepetitions},
      {1, 1, kGoodWindow, 7},
      {1, 1, kGoodWindow, 5},
      {1, 1, kShortestWindow, 5},
      {1, 1, kShortestWindow, kLeastRepetitions},
      {1, 2, kShortestWindow, kLeastRepetitions},
      {1, 4, kShortestWindow, kLeastRepetitions},
      {1, 32, kShortestWindow, kLeastRepetitions},
  };
  Plan plan;
  Windows windows;
  for (const Step& step : kSteps) {
    const auto counts =
        request.cpu_counts.value_or(octave_counts(request.all_cpus, step.per_octave, step.octaves));
    if (counts != plan.cpu_counts) windows = windows_of(request.cases(counts));
    plan.cpu_counts = counts;
    plan.repetitions = request.repetitions.value_or(step.repetitions);
    plan.times = longest_window(windows, request, plan.repetitions, step.least_window);
    plan.expected = windows.take(plan.times) * plan.repetitions;
    if (plan.expected <= request.budget) break;
  }
  return plan;
}

}  // namespace mmscale::campaign
