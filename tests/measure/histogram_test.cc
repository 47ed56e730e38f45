// SPDX-License-Identifier: MIT
#include "measure/histogram.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>

namespace mmscale::measure {
namespace {

TEST(Histogram, EmptyDefinesNothingButItsCount) {
  const Histogram h;
  EXPECT_EQ(h.count(), 0u);
  EXPECT_EQ(h.sum(), 0u);
  EXPECT_FALSE(h.min());
  EXPECT_FALSE(h.max());
  EXPECT_FALSE(h.mean());
  EXPECT_FALSE(h.quantile(0.5));
}

TEST(Histogram, ValuesBelow128AreExact) {
  Histogram h;
  for (std::uint64_t v = 1; v <= 100; ++v) h.record(v);
  EXPECT_EQ(h.count(), 100u);
  EXPECT_EQ(h.sum(), 5050u);
  EXPECT_EQ(h.min(), 1u);
  EXPECT_EQ(h.max(), 100u);
  EXPECT_DOUBLE_EQ(*h.mean(), 50.5);
  // Nearest rank: the 50th, 90th, 99th and ceil(99.9) = 100th smallest.
  EXPECT_DOUBLE_EQ(*h.quantile(0.5), 50);
  EXPECT_DOUBLE_EQ(*h.quantile(0.9), 90);
  EXPECT_DOUBLE_EQ(*h.quantile(0.99), 99);
  EXPECT_DOUBLE_EQ(*h.quantile(0.999), 100);
  EXPECT_DOUBLE_EQ(*h.quantile(0), 1);
  EXPECT_DOUBLE_EQ(*h.quantile(1), 100);
}

// 128 and 129 share the first bucket that is two wide; 130 is in the next.
TEST(Histogram, BucketsAreTwoWideFrom128) {
  Histogram h;
  h.record(128);
  h.record(129);
  h.record(130);
  h.record(1000);
  EXPECT_DOUBLE_EQ(*h.quantile(0.25), 128.5);
  EXPECT_DOUBLE_EQ(*h.quantile(0.5), 128.5);
  EXPECT_DOUBLE_EQ(*h.quantile(0.75), 130.5);
}

// 1000 = 0b1111101000: ten bits, so buckets are 8 wide, and its own is 1000 to 1007.
TEST(Histogram, AQuantileIsTheMiddleOfItsBucket) {
  Histogram h;
  h.record(1000);
  h.record(1007);
  h.record(1008);
  h.record(5000);
  EXPECT_DOUBLE_EQ(*h.quantile(0.5), 1003.5);
  EXPECT_DOUBLE_EQ(*h.quantile(0.75), 1011.5);
}

TEST(Histogram, QuantilesStayBetweenLeastAndLargest) {
  Histogram h;
  h.record(1007);
  h.record(1007);
  h.record(1007);
  EXPECT_DOUBLE_EQ(*h.quantile(0.5), 1007);
}

TEST(Histogram, LargestIsExactAndCountedInTheLastQuantile) {
  Histogram h;
  for (int i = 0; i < 999; ++i) h.record(10);
  h.record(123456789);
  EXPECT_EQ(h.max(), 123456789u);
  EXPECT_DOUBLE_EQ(*h.quantile(0.999), 10);
  EXPECT_DOUBLE_EQ(*h.quantile(1), 123456789);
}

TEST(Histogram, RelativeErrorHoldsOverTheWholeRange) {
  for (std::uint64_t v = 1; v < std::numeric_limits<std::uint64_t>::max() / 3; v = v * 3 + 1) {
    Histogram h;
    h.record(v);
    h.record(v);
    h.record(std::numeric_limits<std::uint64_t>::max());
    h.record(0);
    const double q = *h.quantile(0.5);
    EXPECT_NEAR(q / static_cast<double>(v), 1, Histogram::kRelativeError) << v;
  }
}

TEST(Histogram, TakesTheExtremes) {
  Histogram h;
  h.record(0);
  h.record(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(h.min(), 0u);
  EXPECT_EQ(h.max(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_DOUBLE_EQ(*h.quantile(0.5), 0);
}

TEST(Histogram, MergedIsAsIfRecordedInOne) {
  Histogram a;
  Histogram b;
  Histogram all;
  for (std::uint64_t v = 0; v < 1000; ++v) {
    (v % 3 == 0 ? a : b).record(v * v);
    all.record(v * v);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), all.count());
  EXPECT_EQ(a.sum(), all.sum());
  EXPECT_EQ(a.min(), all.min());
  EXPECT_EQ(a.max(), all.max());
  for (const double p : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0})
    EXPECT_EQ(a.quantile(p), all.quantile(p)) << p;
}

TEST(Histogram, MergingAnEmptyOneChangesNothing) {
  Histogram a;
  a.record(7);
  a.merge(Histogram());
  EXPECT_EQ(a.count(), 1u);
  EXPECT_EQ(a.min(), 7u);
  EXPECT_EQ(a.max(), 7u);
}

TEST(Histogram, ClearedIsEmpty) {
  Histogram a;
  a.record(7);
  a.clear();
  EXPECT_EQ(a.count(), 0u);
  EXPECT_FALSE(a.max());
}

TEST(Histogram, RefusesWhatIsNoShare) {
  Histogram a;
  a.record(7);
  EXPECT_THROW((void)a.quantile(-0.1), std::invalid_argument);
  EXPECT_THROW((void)a.quantile(1.1), std::invalid_argument);
}

}  // namespace
}  // namespace mmscale::measure
