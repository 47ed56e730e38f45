// SPDX-License-Identifier: MIT
//
// Freeing after a grace period, where it is right and where it is not. All CPUs are on this thread, which is
// no RCU reader, so a grace period passes as soon as somebody waits for it.
#include "scheme/rcu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheme/refcount_rcu.h"
#include "support/two_processes.h"

namespace mmscale::scheme {
namespace {

using test::TwoProcesses;
using testing::Contains;
using testing::IsEmpty;

TEST(RefcountRcu, DefersTheLastDropOfAContextSwitch) {
  TwoProcesses<RefcountRcu> k;
  k.leave_cpu_0_alone();
  k.exit(0);
  k.move_on(0);
  k.move_on(1);
  EXPECT_EQ(k.mm_count(k.mm), 0);
  EXPECT_FALSE(k.is_free(k.mm));
  EXPECT_EQ(k.scheme(1).count, 1u);
  k.cpu(1).system->scheme.drain(k.m(1), k.cpu(1), kernel::Drain::end);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_EQ(k.scheme(1).count, 0u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(RefcountRcu, DefersNoOtherDrop) {
  TwoProcesses<RefcountRcu> k;
  mmgrab(k.m(0), k.cpu(0), k.mm);
  k.leave_cpu_0_alone();
  k.exit(0);
  k.move_on(0);
  k.move_on(1);
  mmdrop(k.m(0), k.cpu(0), k.mm, kernel::Site::mmdrop);
  EXPECT_TRUE(k.is_free(k.mm));
}

// A borrow that goes from one kernel thread to the next is not ended by the quiescent state in between.
TEST(Rcu, AGracePeriodDoesNotEndABorrow) {
  TwoProcesses<Rcu> k;
  TwoProcesses<Rcu>::Task kthread;
  k.leave_cpu_0_alone();
  k.exit(0);
  k.run(1, kthread);
  k.idle(1);
  EXPECT_THAT(k.findings(), IsEmpty());
  k.cpu(0).system->scheme.drain(k.m(0), k.cpu(0), kernel::Drain::end);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), Contains("DANGLING on cpu 0 in free_mm"));
  k.move_on(1);
  EXPECT_THAT(k.findings(), Contains("USED on cpu 1 in switch_mm's prev"));
}

}  // namespace
}  // namespace mmscale::scheme
