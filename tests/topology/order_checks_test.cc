// SPDX-License-Identifier: MIT
// A check that cannot fail proves nothing: each must accept a good order and refuse a bad one.
#include "topology/order_checks.h"

#include <gtest/gtest.h>

#include "topology/machines.h"

namespace mmscale::topology {
namespace {

// CPUs 0-3 are package 0 (cores 0-1, 2-3), CPUs 4-7 package 1.
const Layout& two_packages() {
  static const Layout layout = machine("pack:2 core:2 pu:2");
  return layout;
}

TEST(OrderChecks, PermutationRefusesMissingDoubleAndForbiddenCpus) {
  const Layout layout = forbid(two_packages(), {7});
  EXPECT_EQ(not_a_permutation(layout, {6, 5, 4, 3, 2, 1, 0}), "");
  EXPECT_NE(not_a_permutation(layout, {0, 1, 2, 3, 4, 5}), "");
  EXPECT_NE(not_a_permutation(layout, {0, 1, 2, 3, 4, 5, 5}), "");
  EXPECT_NE(not_a_permutation(layout, {0, 1, 2, 3, 4, 5, 7}), "");
  EXPECT_NE(not_a_permutation(layout, {0, 1, 2, 3, 4, 5, 6, 7}), "");
}

TEST(OrderChecks, ComesBackRefusesSplitObjects) {
  EXPECT_EQ(comes_back(two_packages(), {4, 5, 0, 1, 2}, &Pu::package), "");
  EXPECT_NE(comes_back(two_packages(), {4, 0, 5}, &Pu::package), "");
  EXPECT_NE(comes_back(two_packages(), {0, 2, 1}, &Pu::core), "");
}

TEST(OrderChecks, SiblingTooEarlyRefusesSmtBeforeIdleCores) {
  EXPECT_EQ(sibling_too_early(two_packages(), {1, 2, 4, 6, 0, 3, 5, 7}), "");
  EXPECT_NE(sibling_too_early(two_packages(), {0, 2, 3, 4, 6}), "");
}

TEST(OrderChecks, UnbalancedRefusesAnObjectTwoAhead) {
  EXPECT_EQ(unbalanced(two_packages(), {0, 4, 2, 6, 1, 5, 3, 7}, &Pu::package), "");
  EXPECT_NE(unbalanced(two_packages(), {0, 2, 4, 6}, &Pu::package), "");
  EXPECT_EQ(unbalanced(two_packages(), {0, 4, 2, 1, 3}, &Pu::package), "") << "package 1 has no more";
}

TEST(OrderChecks, SlowBeforeFastRefusesIt) {
  const Layout layout = make_fast(two_packages(), {2, 3, 6, 7});
  EXPECT_EQ(slow_before_fast(layout, {2, 0, 6, 4}), "");
  EXPECT_EQ(slow_before_fast(layout, {2, 0, 3, 1}), "") << "siblings come later than slow cores";
  EXPECT_NE(slow_before_fast(layout, {2, 4, 6, 0}), "");
}

}  // namespace
}  // namespace mmscale::topology
