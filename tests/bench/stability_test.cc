// SPDX-License-Identifier: MIT
#include "bench/stability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace mmscale::bench {
namespace {

std::string complaint_of(std::vector<double> values) { return complaint(stability_of(values)); }

TEST(Stability, WindowsWithinAFewPerCentAreOneMode) {
  const Stability stability = stability_of(std::vector<double>{25.4, 24.6, 25.0, 24.9});
  EXPECT_TRUE(stability.stable());
  ASSERT_EQ(stability.modes.size(), 1u);
  EXPECT_EQ(stability.modes[0].windows, 4u);
  EXPECT_EQ(complaint(stability), "");
  EXPECT_EQ(complaint_of({}), "");
  EXPECT_EQ(complaint_of({7}), "");
}

TEST(Stability, SeveralModesAreCounted) {
  EXPECT_EQ(complaint_of({73, 24.6, 25, 72, 24.4, 74}), "UNSTABLE: 24.6 ns in 3 windows, 73 ns in 3 windows");
  EXPECT_EQ(complaint_of({120, 23.5, 73}),
            "UNSTABLE: 23.5 ns in 1 window, 73 ns in 1 window, 120 ns in 1 window");
}

// No gap between neighbours, and yet twice as much at the end as at the beginning.
TEST(Stability, ADriftWithoutAGapIsUnstableToo) {
  EXPECT_EQ(complaint_of({20, 24, 28, 34, 40}), "UNSTABLE: anything from 20 to 40 ns");
}

}  // namespace
}  // namespace mmscale::bench
