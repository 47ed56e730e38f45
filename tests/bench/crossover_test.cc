// SPDX-License-Identifier: MIT
#include "bench/crossover.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace mmscale::bench {
namespace {

TEST(Crossings, NoneWhereOneIsCheaperThroughout) {
  const std::vector<double> x = {1, 10, 100};
  const std::vector<double> a = {5, 6, 7};
  const std::vector<double> b = {6, 7, 8};
  EXPECT_TRUE(crossings(x, a, b).empty());
  EXPECT_TRUE(crossings({}, {}, {}).empty());
}

// a - b is -1 at 10 and +1 at 1,000: half-way on a log scale is 100, and both cost 11 there.
TEST(Crossings, InterpolatedOverLogX) {
  const std::vector<double> x = {10, 1000};
  const std::vector<double> a = {10, 12};
  const std::vector<double> b = {11, 11};
  const auto found = crossings(x, a, b);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NEAR(found[0].x, 100, 1e-9);
  EXPECT_DOUBLE_EQ(found[0].cost, 11);
}

// -3 at 1 and +1 at 10,000: three quarters of four decades.
TEST(Crossings, NearerToWhereTheDifferenceIsSmaller) {
  const std::vector<double> x = {1, 10'000};
  const std::vector<double> a = {7, 11};
  const std::vector<double> b = {10, 10};
  EXPECT_NEAR(crossings(x, a, b).at(0).x, 1000, 1e-9);
}

TEST(Crossings, FromZeroOverX) {
  const std::vector<double> x = {0, 8};
  const std::vector<double> a = {1, 5};
  const std::vector<double> b = {2, 2};
  EXPECT_DOUBLE_EQ(crossings(x, a, b).at(0).x, 2);
}

TEST(Crossings, APointAtWhichBothCostTheSameIsNoChange) {
  const std::vector<double> x = {1, 10, 100};
  EXPECT_TRUE(crossings(x, std::vector<double>{1, 2, 1}, std::vector<double>{2, 2, 2}).empty());
  const auto through = crossings(x, std::vector<double>{1, 2, 3}, std::vector<double>{2, 2, 2});
  ASSERT_EQ(through.size(), 1u);
  EXPECT_NEAR(through[0].x, 10, 1e-9);
}

TEST(FindCrossover, NothingToCompare) {
  const Crossover none = find_crossover({});
  EXPECT_FALSE(none.at);
  EXPECT_EQ(none.below, Cheaper::neither);
  const std::vector<SweepPoint> invalid = {{1, {}, {}}};
  EXPECT_EQ(find_crossover(invalid).below, Cheaper::neither);
}

TEST(FindCrossover, NoCrossoverSaysWhoIsCheaper) {
  const std::vector<SweepPoint> points = {{1, {5, 5, 5}, {4, 4, 4}}, {10, {9, 9, 9}, {8, 8, 8}}};
  const Crossover crossover = find_crossover(points);
  EXPECT_FALSE(crossover.at);
  EXPECT_EQ(crossover.crossings, 0u);
  EXPECT_EQ(crossover.below, Cheaper::b);
  EXPECT_EQ(crossover.above, Cheaper::b);
  EXPECT_FALSE(crossover.low || crossover.high);
}

// b is the cheaper one below. Medians: 10 against 9 at 10 exits, 10 against 11 at 1,000. With three windows an
// interval is from the least to the greatest: a - b is 0.5 to 1.5 at 10, -1.5 to -0.5 at 1,000, so that bounds
// are 0 a quarter and three quarters of two decades on.
TEST(FindCrossover, MediansForTheEstimateTheirIntervalsForTheRange) {
  const std::vector<SweepPoint> points = {{10, {10, 10, 10}, {9, 9.5, 8.5}},
                                          {1000, {10, 10, 10}, {11, 11.5, 10.5}}};
  const Crossover crossover = find_crossover(points);
  ASSERT_TRUE(crossover.at);
  EXPECT_NEAR(crossover.at->x, 100, 1e-9);
  EXPECT_DOUBLE_EQ(crossover.at->cost, 10);
  EXPECT_EQ(crossover.crossings, 1u);
  EXPECT_EQ(crossover.below, Cheaper::b);
  EXPECT_EQ(crossover.above, Cheaper::a);
  ASSERT_TRUE(crossover.low && crossover.high);
  EXPECT_NEAR(*crossover.low, std::pow(10, 1.5), 1e-9);
  EXPECT_NEAR(*crossover.high, std::pow(10, 2.5), 1e-9);
  // Three of a median's intervals hold it in 3 of 4 cases, and four sides of them decide.
  EXPECT_DOUBLE_EQ(crossover.confidence, 0.5);
  EXPECT_EQ(crossover.windows_least, 3u);
  EXPECT_EQ(crossover.windows_most, 3u);
}

// One valid window at the far end of the sweep, and none at its beginning, take nothing from the interval.
TEST(FindCrossover, OnlyWindowsBesideTheCrossingCount) {
  const std::vector<SweepPoint> points = {{1, {}, {9, 9}},
                                          {10, {10, 10, 10}, {9, 9.5, 8.5}},
                                          {1000, {10, 10}, {11, 11.5, 10.5}},
                                          {10'000, {10}, {15}}};
  const Crossover crossover = find_crossover(points);
  ASSERT_TRUE(crossover.low && crossover.high);
  EXPECT_NEAR(*crossover.low, std::pow(10, 1.5), 1e-9);
  EXPECT_EQ(crossover.windows_least, 2u);
  EXPECT_EQ(crossover.windows_most, 3u);
}

// The two points beside the crossing do not decide: the next ones do. It holds its own estimate.
TEST(FindCrossover, FromThePointsThatDecide) {
  const std::vector<SweepPoint> points = {{1, {10, 10, 10}, {5, 5, 5}},
                                          {10, {8, 10, 12}, {9, 9, 9}},
                                          {100, {8, 10, 12}, {11, 11, 11}},
                                          {1000, {10, 10, 10}, {20, 20, 20}}};
  const Crossover crossover = find_crossover(points);
  ASSERT_TRUE(crossover.at && crossover.low && crossover.high);
  // 5 at 1, -1 at 10; 1 at 100, -10 at 1,000.
  EXPECT_NEAR(*crossover.low, std::pow(10, 5.0 / 6), 1e-9);
  EXPECT_NEAR(*crossover.high, 100 * std::pow(10, 1.0 / 11), 1e-9);
  EXPECT_LT(*crossover.low, crossover.at->x);
  EXPECT_GT(*crossover.high, crossover.at->x);
}

TEST(FindCrossover, AnEndWhereNoPointDecidesIsOpen) {
  const std::vector<SweepPoint> points = {{10, {8, 10, 12}, {9, 9, 9}}, {1000, {10, 10, 10}, {11, 11, 11}}};
  const Crossover crossover = find_crossover(points);
  ASSERT_TRUE(crossover.at);
  EXPECT_FALSE(crossover.low);
  ASSERT_TRUE(crossover.high);
  EXPECT_DOUBLE_EQ(crossover.confidence, 0.75);
  const std::vector<SweepPoint> single = {{10, {10}, {9}}, {1000, {10}, {11}}};
  EXPECT_FALSE(find_crossover(single).low || find_crossover(single).high);
}

TEST(FindCrossover, ThereAndBackIsNoCrossover) {
  const std::vector<SweepPoint> points = {{1, {1}, {2}}, {10, {3}, {2}}, {100, {1}, {2}}};
  const Crossover crossover = find_crossover(points);
  EXPECT_FALSE(crossover.at);
  EXPECT_EQ(crossover.crossings, 2u);
  EXPECT_EQ(crossover.below, crossover.above);
}

TEST(FindCrossover, TheMiddleOfThree) {
  const std::vector<SweepPoint> points = {
      {1, {1}, {2}}, {100, {3}, {2}}, {10'000, {1}, {2}}, {1e6, {3}, {2}}};
  const Crossover crossover = find_crossover(points);
  ASSERT_TRUE(crossover.at);
  EXPECT_EQ(crossover.crossings, 3u);
  EXPECT_NEAR(crossover.at->x, 1000, 1e-6);
}

}  // namespace
}  // namespace mmscale::bench
