// SPDX-License-Identifier: MIT
#include "scheme/percpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/two_processes.h"

namespace mmscale::scheme {
namespace {

using test::TwoProcesses;
using testing::IsEmpty;

struct Counters : TwoProcesses<Percpu> {
  int count(unsigned n) { return scheme_state<Percpu::PerMmPerCpu>(mm, n, 2).count; }
};

TEST(Percpu, ABorrowCountsOnItsOwnCpu) {
  Counters k;
  k.run(1, k.threads[1]);
  k.idle(1);
  EXPECT_EQ(k.count(0), 0);
  EXPECT_EQ(k.count(1), 1);
  EXPECT_EQ(k.mm_count(k.mm), 1) << "the users' own";
  k.move_on(1);
  EXPECT_EQ(k.count(1), 0);
}

TEST(Percpu, EachCounterHasALineOfItsOwn) {
  Counters k;
  const auto distance = reinterpret_cast<std::uintptr_t>(&scheme_state<Percpu::PerMmPerCpu>(k.mm, 1, 2)) -
                        reinterpret_cast<std::uintptr_t>(&scheme_state<Percpu::PerMmPerCpu>(k.mm, 0, 2));
  EXPECT_GE(distance, machine::kLine);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&scheme_state<Percpu::PerMmPerCpu>(k.mm, 0, 2)) % machine::kLine,
            0u);
}

TEST(Percpu, TheLastUserFoldsTheCountersIntoMmCount) {
  Counters k;
  k.leave_cpu_0_alone();
  k.exit(0);
  EXPECT_EQ(k.mm_count(k.mm), 2);
  EXPECT_LT(k.count(0), 0);
  EXPECT_LT(k.count(1), 0);
  k.move_on(0);
  EXPECT_EQ(k.mm_count(k.mm), 1);
  EXPECT_FALSE(k.is_free(k.mm));
  k.move_on(1);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_EQ(k.sum().lazy_grabs, 2u);
  EXPECT_EQ(k.sum().lazy_drops, 2u);
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(Percpu, RealReferencesStayWhereTheyAre) {
  Counters k;
  mmgrab(k.m(0), k.cpu(0), k.mm);
  k.leave_cpu_0_alone();
  k.exit(0);
  EXPECT_EQ(k.mm_count(k.mm), 3);
  k.move_on(0);
  k.move_on(1);
  EXPECT_EQ(k.mm_count(k.mm), 1);
  mmdrop(k.m(1), k.cpu(1), k.mm, kernel::Site::mmdrop);
  EXPECT_TRUE(k.is_free(k.mm));
}

TEST(Percpu, AnMmThatIsUsedAgainCountsFromZero) {
  Counters k;
  k.leave_cpu_0_alone();
  k.exit(0);
  k.move_on(0);
  k.move_on(1);
  Counters::Task task;
  auto* again = k.fork({&task}, 1);
  ASSERT_EQ(again, k.mm);
  EXPECT_EQ(k.count(0), 0);
  EXPECT_EQ(k.count(1), 0);
}

}  // namespace
}  // namespace mmscale::scheme
