// SPDX-License-Identifier: MIT
#include "bench/crossover.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace mmscale::bench {
namespace {

std::vector<std::optional<double>> reps(std::initializer_list<double> values) {
  return {values.begin(), values.end()};
}

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
  const std::vector<SweepPoint> invalid = {{1, {std::nullopt}, {std::nullopt}}};
  EXPECT_EQ(find_crossover(invalid).below, Cheaper::neither);
}

TEST(FindCrossover, NoCrossoverSaysWhoIsCheaper) {
  const std::vector<SweepPoint> points = {{1, reps({5, 5, 5}), reps({4, 4, 4})},
                                          {10, reps({9, 9, 9}), reps({8, 8, 8})}};
  const Crossover crossover = find_crossover(points);
  EXPECT_FALSE(crossover.at);
  EXPECT_EQ(crossover.crossings, 0u);
  EXPECT_EQ(crossover.below, Cheaper::b);
  EXPECT_EQ(crossover.above, Cheaper::b);
  EXPECT_EQ(crossover.with, 0u);
  EXPECT_EQ(crossover.without, 3u);
  EXPECT_FALSE(crossover.interval);
}

// b is the cheaper one below. Medians: 10 against 9 at 10 exits, 10 against 11 at 1,000. Repetitions cross at
// 100, 10 to the 1.5 and 10 to the 2.5.
TEST(FindCrossover, MediansForTheEstimateRepetitionsForTheInterval) {
  const std::vector<SweepPoint> points = {{10, reps({10, 10, 10}), reps({9, 9, 7})},
                                          {1000, reps({10, 10, 10}), reps({11, 13, 11})}};
  const Crossover crossover = find_crossover(points);
  ASSERT_TRUE(crossover.at);
  EXPECT_NEAR(crossover.at->x, 100, 1e-9);
  EXPECT_DOUBLE_EQ(crossover.at->cost, 10);
  EXPECT_EQ(crossover.crossings, 1u);
  EXPECT_EQ(crossover.below, Cheaper::b);
  EXPECT_EQ(crossover.above, Cheaper::a);
  EXPECT_EQ(crossover.with, 3u);
  ASSERT_TRUE(crossover.interval);
  EXPECT_NEAR(crossover.interval->low, std::pow(10, 1.5), 1e-9);
  EXPECT_NEAR(crossover.interval->high, std::pow(10, 2.5), 1e-9);
  EXPECT_DOUBLE_EQ(crossover.interval->confidence, 0.75);
}

TEST(FindCrossover, ARepetitionWithAnInvalidWindowIsNeitherWithNorWithout) {
  std::vector<SweepPoint> points = {{10, reps({10, 10}), reps({9, 9})},
                                    {1000, reps({10, 10}), reps({11, 11})}};
  points[1].a[1].reset();
  const Crossover crossover = find_crossover(points);
  EXPECT_TRUE(crossover.at);
  EXPECT_EQ(crossover.with, 1u);
  EXPECT_EQ(crossover.without, 0u);
}

TEST(FindCrossover, ThereAndBackIsNoCrossover) {
  const std::vector<SweepPoint> points = {
      {1, reps({1}), reps({2})}, {10, reps({3}), reps({2})}, {100, reps({1}), reps({2})}};
  const Crossover crossover = find_crossover(points);
  EXPECT_FALSE(crossover.at);
  EXPECT_EQ(crossover.crossings, 2u);
  EXPECT_EQ(crossover.below, crossover.above);
}

TEST(FindCrossover, TheMiddleOfThree) {
  const std::vector<SweepPoint> points = {{1, reps({1}), reps({2})},
                                          {100, reps({3}), reps({2})},
                                          {10'000, reps({1}), reps({2})},
                                          {1e6, reps({3}), reps({2})}};
  const Crossover crossover = find_crossover(points);
  ASSERT_TRUE(crossover.at);
  EXPECT_EQ(crossover.crossings, 3u);
  EXPECT_NEAR(crossover.at->x, 1000, 1e-6);
}

}  // namespace
}  // namespace mmscale::bench
