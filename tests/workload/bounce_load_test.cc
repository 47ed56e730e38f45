// SPDX-License-Identifier: MIT
#include "workload/bounce_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>
#include <vector>

#include "support/run_load.h"

namespace mmscale::workload {
namespace {

TEST(BounceLoad, EveryNumberWrittenIsFoundOnce) {
  std::vector<std::uint64_t> samples(3);  // each written by its own CPU
  const auto load = make_bounce_load(3, 0, [&](unsigned cpu, unsigned before, std::uint64_t) {
    EXPECT_LT(before, samples.size());
    ++samples[cpu];
  });
  test::run_load(*load, 10'000);
  EXPECT_THAT(load->audit(), testing::IsEmpty());
  for (unsigned cpu = 0; cpu < 3; ++cpu) EXPECT_GE(samples[cpu], 10'000 / kBounceSampledOneIn - 1) << cpu;
}

// CPUs one after the other, so that it is known who takes it from whom.
TEST(BounceLoad, CountsByWhoHadIt) {
  const auto load = make_bounce_load(2, 0, nullptr);
  test::run_load(*load, 0);
  load->run(0, 1);
  for (const unsigned cpu : {0u, 1u}) load->open_window(cpu);
  load->run(0, 10);
  load->run(1, 100);
  load->run(0, 1);
  for (const unsigned cpu : {0u, 1u}) load->close_window(cpu);
  EXPECT_THAT(load->taken_from(0), testing::ElementsAre(10, 1));
  EXPECT_THAT(load->taken_from(1), testing::ElementsAre(1, 99));
  EXPECT_THAT(load->audit(), testing::IsEmpty());
}

TEST(BounceLoad, AWindowIsWhatWasCountedInIt) {
  const auto load = make_bounce_load(2, 0, nullptr);
  test::run_load(*load, 0);
  load->run(0, 1000);
  load->open_window(0);
  load->run(0, 7);
  load->close_window(0);
  load->run(0, 1000);
  EXPECT_THAT(load->taken_from(0), testing::ElementsAre(7, 0));
  EXPECT_THAT(load->audit(), testing::IsEmpty());
}

// 0 finds nobody, 1 finds 0, 1 finds 1, 0 finds 1, 1 finds 0.
TEST(Unbalanced, SaysWhoseNumberWasLost) {
  const std::vector<std::uint64_t> taken = {0, 1, 1, /**/ 2, 1, 0};
  EXPECT_THAT(unbalanced(taken, 2, 1), testing::IsEmpty());
  EXPECT_THAT(unbalanced(taken, 2, 0),
              testing::ElementsAre(testing::HasSubstr("cpu 0"), testing::HasSubstr("cpu 1")));
  const std::vector<std::uint64_t> found_nobody_twice = {0, 1, 2, /**/ 2, 1, 0};
  EXPECT_THAT(unbalanced(found_nobody_twice, 2, 1), testing::Not(testing::IsEmpty()));
}

TEST(BounceLoad, NeedsTwo) { EXPECT_THROW(make_bounce_load(1, 0, nullptr), std::invalid_argument); }

}  // namespace
}  // namespace mmscale::workload
