// SPDX-License-Identifier: MIT
//
// Fitting a campaign into a time: how many CPU counts, how long the windows, how many repetitions.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "measure/window.h"

namespace mmscale::campaign {

using std::chrono::nanoseconds;

// What is known of a case beforehand: its CPUs, and what a window of it takes at least (Case::least).
struct CaseTime {
  unsigned cpus = 1;
  nanoseconds least{};
};

// What is fixed beforehand; what is empty, the plan chooses.
struct BudgetRequest {
  nanoseconds budget{};
  // How many CPUs may be used at most.
  unsigned all_cpus = 1;
  // Which cases there are with these CPU counts.
  std::function<std::vector<CaseTime>(const std::vector<unsigned>& cpu_counts)> cases;
  std::optional<std::vector<unsigned>> cpu_counts;
  std::optional<nanoseconds> window;
  std::optional<nanoseconds> warm;
  std::optional<unsigned> repetitions;
};

struct Plan {
  std::vector<unsigned> cpu_counts;
  measure::WindowTimes times;
  unsigned repetitions = 1;
  // How long the campaign is expected to take. Above the budget when even the smallest plan does not fit, or
  // when what was asked for takes that long.
  nanoseconds expected{};
};

// Nine repetitions allow a comparison (compare.py's U test warns below that).
inline constexpr unsigned kWantedRepetitions = 9;
// Below three no interval means anything.
inline constexpr unsigned kLeastRepetitions = 3;
// A window much shorter than this is mostly edges: stamps are one batch of 50 us apart.
inline constexpr nanoseconds kShortestWindow{20'000'000};
// Long enough that ten more are worth more than one longer.
inline constexpr nanoseconds kLongestWindow{250'000'000};
// One quarter of the window is spent on warming up.
inline constexpr int kWarmShare = 4;

// One window in so many may be measured beyond the plan, for cases of which none counts.
inline constexpr unsigned kSpareShare = 10;

// Gives up, in this order, until the campaign fits: CPU counts (from 8 per octave down to 1), length of the
// windows (down to 50 ms), repetitions (from 9 down to 5), length again (down to kShortestWindow),
// repetitions (down to 3), CPU counts again (one per 2 octaves, per 4, at last 1 and all).
Plan make_plan(const BudgetRequest& request);

// How long the plan takes with these cases.
nanoseconds time_of(const Plan& plan, const std::vector<CaseTime>& cases);

// What one window takes beyond its own length: making and ending an emulated system of so many CPUs and
// reading /proc. Measured at 1 to 2 ms on 2 CPUs; the part per CPU is an allowance, reading /proc/stat is
// linear in CPUs.
nanoseconds window_overhead(unsigned cpus);

}  // namespace mmscale::campaign
