// SPDX-License-Identifier: MIT
#include "scheme/quiesce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/two_processes.h"

namespace mmscale::scheme {
namespace {

using test::TwoProcesses;
using testing::IsEmpty;

using ThreeCpus = TwoProcesses<Quiesce, kernel::lifecycle::Powerpc, 3>;

void tick(ThreeCpus& k, unsigned n) { k.cpu(n).system->scheme.drain(k.m(n), k.cpu(n), kernel::Drain::tick); }

TEST(Quiesce, WaitsForEveryCpuThatBorrows) {
  ThreeCpus k;
  k.leave_cpu_0_alone();
  k.exit(0);
  for (unsigned n : {1u, 2u, 0u}) {
    tick(k, 0);
    EXPECT_FALSE(k.is_free(k.mm));
    k.move_on(n);
  }
  EXPECT_FALSE(k.is_free(k.mm)) << "nobody has looked";
  tick(k, 0);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(Quiesce, AHandedOnBorrowHasNotEnded) {
  ThreeCpus k;
  ThreeCpus::Task kthread;
  k.leave_cpu_0_alone();
  k.move_on(1);
  k.exit(0);
  k.move_on(0);
  k.run(2, kthread);
  tick(k, 0);
  EXPECT_FALSE(k.is_free(k.mm));
  k.move_on(2);
  tick(k, 0);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(Quiesce, DoesNotWaitForWhoBorrowsNothing) {
  ThreeCpus k;
  k.leave_cpu_0_alone();
  k.move_on(1);
  k.move_on(2);
  k.exit(0);
  k.move_on(0);
  tick(k, 0);
  EXPECT_TRUE(k.is_free(k.mm)) << "CPUs 1 and 2 are in the mask, and run on";
}

// What bounds nothing in time: a CPU of the mask that stays in another borrow.
TEST(Quiesce, WaitsForAnotherBorrowOfACpuOfTheMask) {
  ThreeCpus k;
  k.leave_cpu_0_alone();
  k.move_on(2);
  k.move_on(1);
  k.idle(1);
  k.exit(0);
  k.move_on(0);
  tick(k, 0);
  EXPECT_FALSE(k.is_free(k.mm));
  k.move_on(1);
  tick(k, 0);
  EXPECT_TRUE(k.is_free(k.mm));
}

TEST(Quiesce, TheCounterIsOddWhileAUserMmIsBorrowed) {
  ThreeCpus k;
  auto& borrows = k.scheme(1).borrows;
  EXPECT_EQ(borrows % 2, 0u);
  k.run(1, k.threads[1]);
  EXPECT_EQ(borrows % 2, 0u);
  k.idle(1);
  EXPECT_EQ(borrows % 2, 1u);
  k.unlazy(1, k.mm);
  EXPECT_EQ(borrows % 2, 0u) << "init_mm";
  k.move_on(1);
  EXPECT_EQ(borrows % 2, 0u);
}

}  // namespace
}  // namespace mmscale::scheme
