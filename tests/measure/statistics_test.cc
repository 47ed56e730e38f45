// SPDX-License-Identifier: MIT
#include "measure/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace mmscale::measure {
namespace {

using Values = std::vector<double>;

TEST(Statistics, OfNothingAreUndefined) {
  EXPECT_FALSE(mean({}));
  EXPECT_FALSE(stddev({}));
  EXPECT_FALSE(coefficient_of_variation({}));
  EXPECT_FALSE(median({}));
  EXPECT_FALSE(quantile({}, 0.9));
  EXPECT_FALSE(median_interval({}));
  EXPECT_FALSE(jain_index({}));
  EXPECT_FALSE(max_min_ratio({}));
  EXPECT_FALSE(overlap_fraction({}));
}

TEST(Statistics, OfOneValueHaveNoSpread) {
  const Values one{3};
  EXPECT_EQ(mean(one), 3);
  EXPECT_EQ(median(one), 3);
  EXPECT_EQ(quantile(one, 0.99), 3);
  EXPECT_FALSE(stddev(one));
  EXPECT_FALSE(coefficient_of_variation(one));
  EXPECT_FALSE(median_interval(one));
  EXPECT_EQ(jain_index(one), 1);
  EXPECT_EQ(max_min_ratio(one), 1);
}

TEST(Statistics, SpreadUsesTheSampleDivisor) {
  const Values values{2, 4, 4, 4, 5, 5, 7, 9};  // squares about the mean of 5 sum to 32
  EXPECT_EQ(mean(values), 5);
  EXPECT_DOUBLE_EQ(*stddev(values), std::sqrt(32.0 / 7));
  EXPECT_DOUBLE_EQ(*coefficient_of_variation(values), std::sqrt(32.0 / 7) / 5);
}

TEST(Statistics, VariationAboutZeroIsUndefinedAndAboutANegativeMeanPositive) {
  EXPECT_FALSE(coefficient_of_variation(Values{-1, 1}));
  EXPECT_DOUBLE_EQ(*coefficient_of_variation(Values{-1, -3}), std::sqrt(2.0) / 2);
}

TEST(Quantile, InterpolatesBetweenUnsortedNeighbours) {
  const Values values{40, 10, 30, 20};
  EXPECT_EQ(median(values), 25);
  EXPECT_EQ(quantile(values, 0), 10);
  EXPECT_EQ(quantile(values, 1), 40);
  EXPECT_DOUBLE_EQ(*quantile(values, 0.25), 17.5);
  EXPECT_DOUBLE_EQ(*quantile(values, 0.9), 37);
  EXPECT_EQ(median(Values{9, 1, 5}), 5);
}

TEST(Quantile, RefusesWhatIsNoProbability) {
  EXPECT_THROW(quantile(Values{1}, -0.1), std::invalid_argument);
  EXPECT_THROW(quantile(Values{1}, 1.1), std::invalid_argument);
  EXPECT_THROW(quantile(Values{1}, std::nan("")), std::invalid_argument);
}

TEST(MedianInterval, StatesWhatFewValuesAreWorth) {
  const auto two = median_interval(Values{2, 1});
  EXPECT_EQ(two->low, 1);
  EXPECT_EQ(two->high, 2);
  EXPECT_DOUBLE_EQ(two->confidence, 0.5);

  const auto five = median_interval(Values{5, 3, 1, 4, 2});
  EXPECT_EQ(five->low, 1);
  EXPECT_EQ(five->high, 5);
  EXPECT_DOUBLE_EQ(five->confidence, 0.9375);  // 1 - 2 / 2^5

  const auto six = median_interval(Values{5, 3, 1, 4, 2, 6});
  EXPECT_DOUBLE_EQ(six->confidence, 0.96875);  // 1 - 2 / 2^6
}

TEST(MedianInterval, CutsOffAsMuchAsTheConfidenceAllows) {
  const auto nine = median_interval(Values{1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_EQ(nine->low, 2);
  EXPECT_EQ(nine->high, 8);
  EXPECT_DOUBLE_EQ(nine->confidence, 1 - 2 * (1 + 9) / 512.0);

  const auto loose = median_interval(Values{1, 2, 3, 4, 5}, 0.6);
  EXPECT_EQ(loose->low, 2);
  EXPECT_EQ(loose->high, 4);
  EXPECT_DOUBLE_EQ(loose->confidence, 1 - 2 * (1 + 5) / 32.0);
}

TEST(MedianInterval, NeverCrossesItself) {
  const auto four = median_interval(Values{1, 2, 3, 4}, 0.01);
  EXPECT_EQ(four->low, 2);
  EXPECT_EQ(four->high, 3);
  const auto three = median_interval(Values{1, 2, 3}, 0.01);
  EXPECT_EQ(three->low, 1);
  EXPECT_EQ(three->high, 3);
}

TEST(MedianInterval, SurvivesManyValues) {
  Values many(10'001);
  std::iota(many.begin(), many.end(), 0.0);
  const auto interval = median_interval(many);
  // The normal approximation puts the ends at 5000 -+ 1.96 sqrt(10001) / 2 = 5000 -+ 98.
  EXPECT_NEAR(interval->low, 4902, 2);
  EXPECT_NEAR(interval->high, 5098, 2);
  EXPECT_EQ(interval->low + interval->high, 10'000);
  EXPECT_GE(interval->confidence, 0.95);
  EXPECT_LT(interval->confidence, 0.953);
}

TEST(MedianInterval, RefusesWhatIsNoConfidence) {
  EXPECT_THROW(median_interval(Values{1, 2}, 0), std::invalid_argument);
  EXPECT_THROW(median_interval(Values{1, 2}, 1), std::invalid_argument);
}

TEST(Fairness, JainIsOneForEqualAndOneOverNForOneWinner) {
  EXPECT_DOUBLE_EQ(*jain_index(Values{7, 7, 7, 7}), 1);
  EXPECT_DOUBLE_EQ(*jain_index(Values{0, 0, 5, 0}), 0.25);
  EXPECT_DOUBLE_EQ(*jain_index(Values{1, 3}), 16.0 / 20);
  EXPECT_FALSE(jain_index(Values{0, 0}));
}

TEST(Fairness, AStarvedCpuMakesTheRatioInfinite) {
  EXPECT_EQ(max_min_ratio(Values{2, 6, 3}), 3);
  EXPECT_TRUE(std::isinf(*max_min_ratio(Values{0, 1})));
  EXPECT_FALSE(max_min_ratio(Values{0, 0}));
}

TEST(Overlap, IsTheSharedPartOfTheWhole) {
  EXPECT_EQ(overlap_fraction(std::vector<MeasuredSpan>{{0, 100}, {0, 100}}), 1);
  EXPECT_DOUBLE_EQ(*overlap_fraction(std::vector<MeasuredSpan>{{0, 90}, {10, 100}, {5, 95}}), 0.8);
}

TEST(Overlap, IsZeroWhenOneEndedBeforeAnotherBegan) {
  EXPECT_EQ(overlap_fraction(std::vector<MeasuredSpan>{{0, 10}, {20, 30}}), 0);
}

TEST(Overlap, OfNoTimeIsUndefined) {
  EXPECT_FALSE(overlap_fraction(std::vector<MeasuredSpan>{{5, 5}, {5, 5}}));
}

}  // namespace
}  // namespace mmscale::measure
