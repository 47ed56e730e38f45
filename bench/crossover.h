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

// One point of the sweep: what the two cost there in each valid window.
struct SweepPoint {
  double x = 0;
  std::vector<double> a;
  std::vector<double> b;
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
  // Where the crossing is known to lie: from the last point below it at which the interval of one scheme's
  // median lies wholly under the other's, to the first such point above it, each end moved towards the
  // crossing as far as the edges of the intervals allow. An end is empty where no point of the sweep decides.
  // Always holds `at`. Windows that are beside the crossing tell; those elsewhere in the sweep need not
  // be valid.
  std::optional<double> low;
  std::optional<double> high;
  // Of that: 1 less all the ways in which a median may lie outside its interval on the deciding side.
  double confidence = 0;
  // Valid windows of a scheme at the two points beside `at`, the least and the most.
  std::size_t windows_least = 0;
  std::size_t windows_most = 0;
  // At the lowest and at the highest point.
  Cheaper below = Cheaper::neither;
  Cheaper above = Cheaper::neither;
};

// Every crossing of two curves given at the same ascending `x`. Between two points both are taken as straight
// over log x, since sweeps are in decades; over x itself from a point at 0. Points at which both cost the
// same count as the one before.
std::vector<Crossing> crossings(std::span<const double> x, std::span<const double> a,
                                std::span<const double> b);

// `points` ascend in x. Points where a or b has no valid window are left out.
Crossover find_crossover(std::span<const SweepPoint> points);

}  // namespace mmscale::bench
