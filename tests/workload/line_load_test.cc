// SPDX-License-Identifier: MIT
#include "workload/line_load.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <stdexcept>
#include <utility>

#include "support/run_load.h"

namespace mmscale::workload {
namespace {

struct VisitCounter {
  void visited(unsigned a, unsigned b) {
    std::lock_guard lock(mutex);
    EXPECT_LT(a, b);
    pairs.insert({a, b});
    ++visits;
  }
  std::mutex mutex;
  std::set<std::pair<unsigned, unsigned>> pairs;
  std::uint64_t visits = 0;
};

TEST(LineLoad, VisitsThePairInEveryRound) {
  VisitCounter visits;
  const auto load =
      make_line_load(2, 0, [&](unsigned a, unsigned b, std::uint64_t) { visits.visited(a, b); });
  test::run_load(*load, 20);
  EXPECT_TRUE(load->audit().empty());
  EXPECT_EQ(visits.pairs.size(), 1u);
  EXPECT_GE(visits.visits, 20u);
}

// More CPUs than this machine may have: they take turns, and every pair gets its visits.
TEST(LineLoad, VisitsEveryPairOfThree) {
  VisitCounter visits;
  const auto load =
      make_line_load(3, 0, [&](unsigned a, unsigned b, std::uint64_t) { visits.visited(a, b); });
  test::run_load(*load, 1);
  EXPECT_TRUE(load->audit().empty());
  EXPECT_EQ(visits.pairs.size(), 3u);
  EXPECT_EQ(visits.visits % 3, 0u);
}

TEST(LineLoad, NeedsTwo) { EXPECT_THROW(make_line_load(1, 0, nullptr), std::invalid_argument); }

}  // namespace
}  // namespace mmscale::workload
