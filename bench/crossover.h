// SPDX-License-Identifier: MIT
//
// Where two curves over the same sweep cross: from which exit rate on one scheme costs less than another.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "measure/statistics.h"

namespace mmscale::bench {

// One point of the sweep. `a[r]` and `b[r]` are what the two cost in repetition r; empty where that window is
// not valid.
struct SweepPoint {
  double x = 0;
  std::vector<std::optional<double>> a;
  std::vector<std::optional<double>> b;
};

struct Crossing {
  double x = 0;
  double cost = 0;  // of either
};

enum class Cheaper { a, b, neither };

struct Crossover {
  // Where the curves of the medians cross. Empty if one of them is cheaper at both ends of the sweep.
  std::optional<Crossing> at;
  // How often the curves of the medians cross. Above 1 they are too close to call in between; `at` is the
  // middle one.
  std::size_t crossings = 0;
  // Of the crossings that each repetition's own curves have (measure::median_interval); empty below two of
  // them.
  std::optional<measure::Interval> interval;
  // Repetitions whose curves end as they begin, and those that do not; one that lacks a valid window is
  // neither.
  std::size_t with = 0;
  std::size_t without = 0;
  // At the lowest and at the highest point.
  Cheaper below = Cheaper::neither;
  Cheaper above = Cheaper::neither;
};

// Every crossing of two curves given at the same ascending `x`. Between two points both are taken as straight
// over log x, since sweeps are in decades; over x itself from a point at 0. Points at which both cost the
// same count as the one before.
std::vector<Crossing> crossings(std::span<const double> x, std::span<const double> a,
                                std::span<const double> b);

// `points` ascend in x. Points where a or b has no valid repetition are left out.
Crossover find_crossover(std::span<const SweepPoint> points);

}  // namespace mmscale::bench
