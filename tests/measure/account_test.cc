// SPDX-License-Identifier: MIT
#include "measure/account.h"

#include <gtest/gtest.h>
#include <sched.h>

namespace mmscale::measure {
namespace {

using namespace std::chrono_literals;

TimeKeeper warm_keeper() {
  TimeKeeper keeper;
  for (int i = 0; i < 20; ++i) keeper.batch(50us, 1000);
  keeper.open(static_cast<unsigned>(sched_getcpu()));
  return keeper;
}

TEST(TimeKeeper, ABatchThatStoodStillCountsForWhatItTookTooLong) {
  TimeKeeper keeper = warm_keeper();
  keeper.batch(50us, 1000);
  keeper.batch(5050us, 1000);
  keeper.batch(50us, 1000);
  const CpuAccount account = keeper.close(5150us);
  EXPECT_EQ(account.elapsed_ns, 5'150'000);
  EXPECT_EQ(account.longest_gap_ns, 5'050'000);
  EXPECT_EQ(account.stalled_ns, 5'000'000);
  EXPECT_EQ(account.rounds, 3000u);
  EXPECT_EQ(account.fastest_round_ns, 50);
}

TEST(TimeKeeper, LongBatchesOfManyRoundsAreNoStall) {
  TimeKeeper keeper = warm_keeper();
  keeper.batch(5000us, 100'000);
  EXPECT_EQ(keeper.close(5000us).stalled_ns, 0);
}

TEST(TimeKeeper, ContentionThatSetsInIsLearned) {
  TimeKeeper keeper = warm_keeper();
  // Four times as slow from one batch to the next, and again.
  for (int i = 0; i < 50; ++i) keeper.batch(180us, 1000);
  for (int i = 0; i < 50; ++i) keeper.batch(700us, 1000);
  EXPECT_EQ(keeper.close(44ms).stalled_ns, 0);
}

TEST(TimeKeeper, AThreadThatIsNotOnItsCpuIsAway) {
  TimeKeeper keeper;
  keeper.open(static_cast<unsigned>(sched_getcpu()) + 1000);
  keeper.batch(50us, 1);
  keeper.batch(30us, 1);
  EXPECT_EQ(keeper.close(80us).away_ns, 80'000);
}

TEST(TimeKeeper, KnowsHowLongTheThreadRan) {
  TimeKeeper keeper;
  keeper.open(0);
  const auto begin = *thread_cpu_time_ns();
  while (*thread_cpu_time_ns() - begin < 2'000'000) {
  }
  const CpuAccount account = keeper.close(2ms);
  ASSERT_TRUE(account.ran_ns);
  EXPECT_GE(*account.ran_ns, 2'000'000);
  EXPECT_LT(*account.ran_ns, 3'000'000) << "two readings of the clock beside them";
}

}  // namespace
}  // namespace mmscale::measure
