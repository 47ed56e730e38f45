// SPDX-License-Identifier: MIT
// Statistics of repetitions and of CPUs. Nothing here assumes a distribution: run times are skewed, and a
// mean alone hides the slow tail that contention makes.
//
// A figure that the input does not define is an empty optional, never a zero or a NaN: empty input defines
// none of them; further cases stand with each function. Input must be finite; it need not be sorted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace mmscale::measure {

// What a share is multiplied by to be read.
inline constexpr double kPercent = 100;

std::optional<double> mean(std::span<const double> values);

// The sample standard deviation (divisor n - 1); undefined below two values.
std::optional<double> stddev(std::span<const double> values);

// stddev / |mean|; undefined below two values and for a mean of zero.
std::optional<double> coefficient_of_variation(std::span<const double> values);

// The `p` quantile, interpolated linearly between the neighbouring values (type 7 of Hyndman and Fan 1996,
// the default of R and NumPy). Throws std::invalid_argument unless 0 <= p <= 1.
std::optional<double> quantile(std::span<const double> values, double p);

std::optional<double> median(std::span<const double> values);

// An interval from one of the values to another, and the probability with which such an interval holds the
// median of what the values were drawn from.
struct Interval {
  double low = 0;
  double high = 0;
  double confidence = 0;
};

// The confidence that is asked for unless the caller says otherwise.
inline constexpr double kUsualConfidence = 0.95;

// The narrowest interval of the k-th smallest and the k-th largest value that has at least the confidence
// `wanted`. Each value lies below the median with probability 1/2, so its confidence is 1 - 2 P(Binomial(n,
// 1/2) < k), whatever the distribution. Few values cannot reach 0.95: then the interval is from the smallest
// to the largest and `confidence` says what it is worth: 0.9375 for five values, 0.5 for two; six reach
// 0.96875, nine 0.961 with k = 2. Undefined below two values. Throws std::invalid_argument unless 0 < wanted
// < 1.
std::optional<Interval> median_interval(std::span<const double> values, double wanted = kUsualConfidence);

// Jain's fairness index of what each CPU got, (sum x)^2 / (n sum x^2): 1 when all got the same, 1/n when one
// got it all. Undefined when all got nothing. Values must not be negative.
std::optional<double> jain_index(std::span<const double> values);

// The largest value over the smallest; infinite when a CPU got nothing and another something, undefined when
// all got nothing. Values must not be negative.
std::optional<double> max_min_ratio(std::span<const double> values);

// When one CPU measured, on a clock that all CPUs share (CLOCK_MONOTONIC), ns.
struct MeasuredSpan {
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;
};

// How much of the measurement was truly concurrent: (earliest end - latest start) / (latest end - earliest
// start), 0 where the CPUs never all ran together. Undefined when the spans cover no time at all.
std::optional<double> overlap_fraction(std::span<const MeasuredSpan> spans);

}  // namespace mmscale::measure
