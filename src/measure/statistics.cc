// SPDX-License-Identifier: MIT
#include "measure/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace mmscale::measure {
namespace {

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> copy{values.begin(), values.end()};
  std::sort(copy.begin(), copy.end());
  return copy;
}

}  // namespace

std::optional<double> mean(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> stddev(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  const double center = *mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::optional<double> coefficient_of_variation(std::span<const double> values) {
  const auto spread = stddev(values);
  const auto center = mean(values);
  if (!spread || *center == 0) return std::nullopt;
  return *spread / std::abs(*center);
}

std::optional<double> quantile(std::span<const double> values, double p) {
  if (!(p >= 0 && p <= 1)) throw std::invalid_argument("a quantile must be asked for between 0 and 1");
  if (values.empty()) return std::nullopt;
  const auto ordered = sorted(values);
  const double position = static_cast<double>(ordered.size() - 1) * p;
  const auto below = static_cast<std::size_t>(position);
  const auto above = std::min(below + 1, ordered.size() - 1);
  return std::lerp(ordered[below], ordered[above], position - static_cast<double>(below));
}

std::optional<double> median(std::span<const double> values) { return quantile(values, 0.5); }

std::optional<Interval> median_interval(std::span<const double> values, double wanted) {
  if (!(wanted > 0 && wanted < 1)) throw std::invalid_argument("a confidence must lie between 0 and 1");
  const std::size_t n = values.size();
  if (n < 2) return std::nullopt;

  // Walks k upwards while what it cuts off at each end stays small enough. Logarithms, as 2^-n underflows.
  double log_term = -static_cast<double>(n) * std::log(2.0);  // of C(n, i) / 2^n, here i = 0
  double tail = std::exp(log_term);                           // P(Binomial(n, 1/2) < k), here k = 1
  std::size_t k = 1;
  while (2 * (k + 1) <= n) {
    const double next_log_term = log_term + std::log(static_cast<double>(n - k + 1) / static_cast<double>(k));
    const double next_tail = tail + std::exp(next_log_term);
    if (1 - 2 * next_tail < wanted) break;
    log_term = next_log_term;
    tail = next_tail;
    ++k;
  }
  const auto ordered = sorted(values);
  return Interval{ordered[k - 1], ordered[n - k], 1 - 2 * tail};
}

std::optional<double> jain_index(std::span<const double> values) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  if (squares == 0) return std::nullopt;
  return sum * sum / (static_cast<double>(values.size()) * squares);
}

std::optional<double> max_min_ratio(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  if (*most == 0) return std::nullopt;
  if (*least == 0) return std::numeric_limits<double>::infinity();
  return *most / *least;
}

std::optional<double> overlap_fraction(std::span<const MeasuredSpan> spans) {
  if (spans.empty()) return std::nullopt;
  const auto starts = std::ranges::minmax_element(spans, {}, &MeasuredSpan::start_ns);
  const auto ends = std::ranges::minmax_element(spans, {}, &MeasuredSpan::end_ns);
  const auto whole = ends.max->end_ns - starts.min->start_ns;
  if (whole <= 0) return std::nullopt;
  const auto together = std::max<std::int64_t>(ends.min->end_ns - starts.max->start_ns, 0);
  return static_cast<double>(together) / static_cast<double>(whole);
}

}  // namespace mmscale::measure
