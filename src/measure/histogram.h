// SPDX-License-Identifier: MIT
//
// A log-linear histogram: what a distribution of times looks like, without keeping the times. The layout is
// that of HdrHistogram (hdrhistogram.org): buckets one apart for small values, then equally many in
// every doubling.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace mmscale::measure {

// Counts any 64-bit values, in fixed memory (30 KiB) that is all there from the start: recording allocates
// nothing, takes no lock and costs some ten instructions and one cache line. One writer at a time; a
// histogram per CPU is merged when the CPUs have stopped.
class Histogram {
 public:
  // Values below 128 have a bucket each; above, every doubling is 64 buckets wide, so that a bucket is at
  // most 1/64 of the values in it. A quantile is the middle of its bucket and therefore off by at most 1/128;
  // count, sum, least and largest value are exact.
  static constexpr double kRelativeError = 1.0 / 128;

  void record(std::uint64_t value) {
    ++buckets_[index_of(value)];
    ++count_;
    sum_ += value;
    if (value < min_) min_ = value;
    if (value > max_) max_ = value;
  }

  // As if all that `other` recorded had been recorded here.
  void merge(const Histogram& other);
  void clear() { *this = {}; }

  std::uint64_t count() const { return count_; }
  // Wraps around after 2^64, in nanoseconds 584 years.
  std::uint64_t sum() const { return sum_; }

  // Nothing of the following is defined while the histogram is empty.
  std::optional<std::uint64_t> min() const;
  std::optional<std::uint64_t> max() const;
  std::optional<double> mean() const;
  // The value that a share `p` of the values does not exceed: the ceil(p * count)-th smallest ("nearest
  // rank"). The last one is max(), exactly. Throws std::invalid_argument unless 0 <= p <= 1.
  std::optional<double> quantile(double p) const;

 private:
  static constexpr unsigned kExactBits = 7;
  static constexpr std::size_t kExact = std::size_t{1} << kExactBits;
  static constexpr std::size_t kPerDoubling = kExact / 2;
  static constexpr std::size_t kBuckets = kExact + (64 - kExactBits) * kPerDoubling;

  // How far a value is shifted to be left with its kExactBits leading bits.
  static constexpr unsigned shift_of(std::uint64_t value) {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    return width > kExactBits ? width - kExactBits : 0;
  }
  static constexpr std::size_t index_of(std::uint64_t value) {
    const unsigned shift = shift_of(value);
    return shift * kPerDoubling + (value >> shift);
  }
  // The middle of a bucket.
  static double value_of(std::size_t index);

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = UINT64_MAX;
  std::uint64_t max_ = 0;
};

}  // namespace mmscale::measure
