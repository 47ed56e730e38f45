// SPDX-License-Identifier: MIT
#include "kernel/lazy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheme/refcount.h"
#include "scheme/shootdown.h"
#include "support/by_hand.h"

namespace mmscale::kernel {
namespace {

using test::ByHand;
using testing::IsEmpty;

TEST(Unlazy, MovesTheCountToInitMm) {
  ByHand<scheme::Refcount> k(1);
  ByHand<scheme::Refcount>::Task task;
  auto* mm = k.fork({&task});
  k.run(0, task);
  k.idle(0);
  EXPECT_EQ(k.mm_count(mm), 2);
  EXPECT_EQ(k.mm_count(k.init_mm()), 1);
  k.unlazy(0, mm);
  EXPECT_EQ(k.mm_count(mm), 1);
  EXPECT_EQ(k.mm_count(k.init_mm()), 2);
  EXPECT_EQ(k.active(0), k.init_mm());
  EXPECT_EQ(k.cpu(0).loaded_mm, k.init_mm());
  EXPECT_EQ(k.cpu(0).tally.lazy_grabs_unlazy, 1u);
  EXPECT_EQ(k.cpu(0).tally.lazy_drops_unlazy, 1u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(Unlazy, FreesWhatNobodyElseHolds) {
  ByHand<scheme::Refcount> k(1);
  ByHand<scheme::Refcount>::Task task;
  auto* mm = k.fork({&task});
  k.run(0, task);
  k.exit(0);
  EXPECT_FALSE(k.is_free(mm));
  k.unlazy(0, mm);
  EXPECT_TRUE(k.is_free(mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(Unlazy, CountsNothingForAnUncountedScheme) {
  ByHand<scheme::Shootdown> k(1);
  ByHand<scheme::Shootdown>::Task task;
  auto* mm = k.fork({&task});
  k.run(0, task);
  k.idle(0);
  k.unlazy(0, mm);
  EXPECT_EQ(k.mm_count(mm), 1);
  EXPECT_EQ(k.mm_count(k.init_mm()), 1);
  EXPECT_EQ(k.active(0), k.init_mm());
  EXPECT_EQ(k.sum().mm_count_ops(), 0u);
}

TEST(Unlazy, LeavesInterruptsAsTheyWere) {
  ByHand<scheme::Shootdown> k(1);
  ByHand<scheme::Shootdown>::Task task;
  auto* mm = k.fork({&task});
  k.run(0, task);
  k.idle(0);
  k.unlazy(0, mm);
  EXPECT_FALSE(k.m(0).irqs_disabled());
  k.run(0, task);
  k.idle(0);
  k.m(0).irq_disable();
  k.unlazy(0, mm);
  EXPECT_TRUE(k.m(0).irqs_disabled());
}

}  // namespace
}  // namespace mmscale::kernel
