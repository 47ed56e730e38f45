// SPDX-License-Identifier: MIT
#include "bench/crossover.h"

#include <algorithm>
#include <cmath>

namespace mmscale::bench {
namespace {

Cheaper cheaper(double a, double b) { return a < b ? Cheaper::a : b < a ? Cheaper::b : Cheaper::neither; }

// A point at which both have valid windows.
struct Point {
  double x;
  double a;  // medians
  double b;
  // a - b at the least and at the most, as far as the intervals of both medians tell; empty where one has a
  // single window.
  std::optional<measure::Interval> difference;
  std::size_t windows_least;
  std::size_t windows_most;
};

std::vector<Point> points_of(std::span<const SweepPoint> sweep) {
  std::vector<Point> points;
  for (const SweepPoint& at : sweep) {
    const auto a = measure::median(at.a);
    const auto b = measure::median(at.b);
    if (!a || !b) continue;
    Point point{at.x, *a, *b, {}, std::min(at.a.size(), at.b.size()), std::max(at.a.size(), at.b.size())};
    const auto of_a = measure::median_interval(at.a);
    const auto of_b = measure::median_interval(at.b);
    if (of_a && of_b)
      // A bound fails where either median lies beyond its own, on one side each.
      point.difference = measure::Interval{of_a->low - of_b->high, of_a->high - of_b->low,
                                           of_a->confidence / 2 + of_b->confidence / 2};
    points.push_back(point);
  }
  return points;
}

// Where a line over log x (over x from a point at 0) from `before` to `after`, of different signs, is 0.
double zero_between(double from, double to, double before, double after) {
  const double share = before / (before - after);
  return from > 0 ? from * std::pow(to / from, share) : to * share;
}

// The nearest point from `begin` on, in steps of `step`, whose difference is surely of the sign `sign`; its
// bound's way towards the point before it is followed to where it is 0, but never past `at`.
struct Decided {
  double x;
  double doubt;  // the probability that it is not so
};
std::optional<Decided> decide(const std::vector<Point>& points, std::size_t begin, int step, double sign,
                              double at) {
  // What bounds the difference towards 0 on this side.
  const auto bound = [sign](const Point& point) {
    return sign * (sign > 0 ? point.difference->low : point.difference->high);
  };
  for (std::size_t i = begin; i < points.size(); i += static_cast<std::size_t>(step)) {
    const Point& here = points[i];
    if (!here.difference || bound(here) <= 0) continue;
    // Towards the crossing.
    const Point& next = points[i - static_cast<std::size_t>(step)];
    double x = here.x;
    if (next.difference && bound(next) < 0)
      x = step < 0 ? zero_between(here.x, next.x, bound(here), bound(next))
                   : zero_between(next.x, here.x, bound(next), bound(here));
    return Decided{step < 0 ? std::min(x, at) : std::max(x, at), 1 - here.difference->confidence};
  }
  return std::nullopt;
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
      found.push_back({zero_between(x[*last], x[i], before, after), a[*last] + share * (a[i] - a[*last])});
    }
    last = i;
  }
  return found;
}

Crossover find_crossover(std::span<const SweepPoint> sweep) {
  Crossover result;
  const std::vector<Point> points = points_of(sweep);
  if (points.empty()) return result;
  std::vector<double> x, a, b;
  for (const Point& point : points) {
    x.push_back(point.x);
    a.push_back(point.a);
    b.push_back(point.b);
  }
  const auto all = crossings(x, a, b);
  result.crossings = all.size();
  result.below = cheaper(a.front(), b.front());
  result.above = cheaper(a.back(), b.back());
  // The curves have changed places from end to end if they cross an odd number of times.
  if (all.size() % 2 == 0) return result;
  result.at = all[all.size() / 2];

  const auto above = static_cast<std::size_t>(
      std::find_if(x.begin(), x.end(), [&](double value) { return value > result.at->x; }) - x.begin());
  const std::size_t right = std::clamp<std::size_t>(above, 1, x.size() - 1);
  result.windows_least = std::min(points[right - 1].windows_least, points[right].windows_least);
  result.windows_most = std::max(points[right - 1].windows_most, points[right].windows_most);
  const double sign = result.below == Cheaper::b ? 1 : -1;
  const auto low = decide(points, right - 1, -1, sign, result.at->x);
  const auto high = decide(points, right, +1, -sign, result.at->x);
  result.confidence = 1;
  if (low) {
    result.low = low->x;
    result.confidence -= low->doubt;
  }
  if (high) {
    result.high = high->x;
    result.confidence -= high->doubt;
  }
  return result;
}

}  // namespace mmscale::bench
