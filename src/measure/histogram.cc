// SPDX-License-Identifier: MIT
#include "measure/histogram.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace mmscale::measure {

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

std::optional<std::uint64_t> Histogram::min() const {
  if (count_ == 0) return std::nullopt;
  return min_;
}

std::optional<std::uint64_t> Histogram::max() const {
  if (count_ == 0) return std::nullopt;
  return max_;
}

std::optional<double> Histogram::mean() const {
  if (count_ == 0) return std::nullopt;
  return static_cast<double>(sum_) / static_cast<double>(count_);
}

std::optional<double> Histogram::quantile(double p) const {
  if (!(p >= 0 && p <= 1)) throw std::invalid_argument("a quantile is from 0 to 1");
  if (count_ == 0) return std::nullopt;
  const auto rank =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(p * static_cast<double>(count_))));
  if (rank >= count_) return static_cast<double>(max_);
  std::uint64_t so_far = 0;
  std::size_t index = 0;
  while ((so_far += buckets_[index]) < rank) ++index;
  return std::clamp(value_of(index), static_cast<double>(min_), static_cast<double>(max_));
}

double Histogram::value_of(std::size_t index) {
  if (index < kExact) return static_cast<double>(index);
  const auto shift = static_cast<int>(index / kPerDoubling - 1);
  const auto leading = static_cast<double>(index % kPerDoubling + kPerDoubling);
  const double width = std::ldexp(1.0, shift);
  return leading * width + (width - 1) / 2;
}

}  // namespace mmscale::measure
