// SPDX-License-Identifier: MIT
#include "bench/crossover.h"

#include <algorithm>
#include <cmath>

namespace mmscale::bench {
namespace {

// Curves of one repetition, or of the medians.
struct Curves {
  std::vector<double> x;
  std::vector<double> a;
  std::vector<double> b;

  void add(double at, double cost_a, double cost_b) {
    x.push_back(at);
    a.push_back(cost_a);
    b.push_back(cost_b);
  }
};

Cheaper cheaper(double a, double b) { return a < b ? Cheaper::a : b < a ? Cheaper::b : Cheaper::neither; }

// The middle one if the curves have changed places from end to end, that is, cross an odd number of times.
std::optional<Crossing> middle(const std::vector<Crossing>& all) {
  if (all.size() % 2 == 0) return std::nullopt;
  return all[all.size() / 2];
}

std::vector<double> valid(const std::vector<std::optional<double>>& repetitions) {
  std::vector<double> values;
  for (const auto& value : repetitions)
    if (value) values.push_back(*value);
  return values;
}

Curves of_medians(std::span<const SweepPoint> points) {
  Curves curves;
  for (const SweepPoint& point : points) {
    const auto a = measure::median(valid(point.a));
    const auto b = measure::median(valid(point.b));
    if (a && b) curves.add(point.x, *a, *b);
  }
  return curves;
}

// Empty unless all windows of that repetition are valid.
std::optional<Curves> of_repetition(std::span<const SweepPoint> points, std::size_t repetition) {
  Curves curves;
  for (const SweepPoint& point : points) {
    if (repetition >= point.a.size() || repetition >= point.b.size()) return std::nullopt;
    if (!point.a[repetition] || !point.b[repetition]) return std::nullopt;
    curves.add(point.x, *point.a[repetition], *point.b[repetition]);
  }
  return curves;
}

}  // namespace

std::vector<Crossing> crossings(std::span<const double> x, std::span<const double> a,
                                std::span<const double> b) {
  std::vector<Crossing> found;
  std::optional<std::size_t> last;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (a[i] == b[i]) continue;
    if (last && (a[*last] < b[*last]) != (a[i] < b[i])) {
      const double before = a[*last] - b[*last];
      const double after = a[i] - b[i];
      const double share = before / (before - after);
      const double from = x[*last];
      const double to = x[i];
      found.push_back(
          {from > 0 ? from * std::pow(to / from, share) : to * share, a[*last] + share * (a[i] - a[*last])});
    }
    last = i;
  }
  return found;
}

Crossover find_crossover(std::span<const SweepPoint> points) {
  Crossover result;
  const Curves medians = of_medians(points);
  if (medians.x.empty()) return result;
  const auto all = crossings(medians.x, medians.a, medians.b);
  result.at = middle(all);
  result.crossings = all.size();
  result.below = cheaper(medians.a.front(), medians.b.front());
  result.above = cheaper(medians.a.back(), medians.b.back());

  std::size_t repetitions = 0;
  for (const SweepPoint& point : points)
    repetitions = std::max({repetitions, point.a.size(), point.b.size()});
  std::vector<double> own;
  for (std::size_t r = 0; r < repetitions; ++r) {
    const auto curves = of_repetition(points, r);
    if (!curves) continue;
    if (const auto at = middle(crossings(curves->x, curves->a, curves->b)))
      own.push_back(at->x);
    else
      ++result.without;
  }
  result.with = own.size();
  result.interval = measure::median_interval(own);
  return result;
}

}  // namespace mmscale::bench
