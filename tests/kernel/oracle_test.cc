// SPDX-License-Identifier: MIT
//
// The oracle must see what goes wrong, or the silence of all other tests means nothing.
#include "kernel/oracle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/lifecycle/powerpc.h"
#include "scheme/refcount.h"
#include "scheme/untracked.h"
#include "support/by_hand.h"

namespace mmscale::kernel {
namespace {

using test::ByHand;
using testing::ElementsAre;
using testing::IsEmpty;

// CPU 1 is lazy on a process whose last thread runs on CPU 0.
struct Broken : ByHand<scheme::Untracked> {
  Broken() : mm(fork({&on_0, &on_1})) {
    run(0, on_0);
    run(1, on_1);
    exit(1);
  }
  Task on_0, on_1;
  Mm* mm;
};

TEST(Oracle, SeesAnMmFreedUnderALazyCpu) {
  Broken k;
  EXPECT_THAT(k.findings(), IsEmpty());
  k.exit(0);
  EXPECT_THAT(k.findings(), ElementsAre("DANGLING on cpu 0 in free_mm", "DANGLING on cpu 0 in free_mm"))
      << "itself and CPU 1";
}

TEST(Oracle, SeesTheUseOfAFreedMm) {
  Broken k;
  k.exit(0);
  Broken::Task next;
  // Another slot, so that the stale one stays free.
  auto* spare = k.fork({&next}, 1);
  ASSERT_NE(spare, k.mm);
  k.run(1, next);
  EXPECT_THAT(k.findings(), testing::Contains("COMPARED on cpu 1 in membarrier_switch_mm"));
  EXPECT_THAT(k.findings(), testing::Contains("USED on cpu 1 in switch_mm's prev"));
}

TEST(Oracle, SeesTheUseOfAFreedAndReusedMm) {
  Broken k;
  k.exit(0);
  Broken::Task next;
  // The slab gives the slot freed last.
  ASSERT_EQ(k.fork({&next}, 0), k.mm);
  ASSERT_FALSE(k.is_free(k.mm));
  k.run(1, next);
  EXPECT_THAT(k.findings(), testing::Contains("COMPARED on cpu 1 in a new mm is taken for the freed one"));
  EXPECT_THAT(k.findings(), testing::Contains("USED on cpu 1 in switch_mm's prev"));
}

TEST(Oracle, SeesTheUseByUnlazy) {
  Broken k;
  k.exit(0);
  k.unlazy(1, k.mm);
  EXPECT_THAT(k.findings(), testing::Contains("USED on cpu 1 in unlazy"));
}

TEST(Oracle, SeesADoubleFreeAndKeepsTheSlabWhole) {
  ByHand<scheme::Untracked> k(1);
  ByHand<scheme::Untracked>::Task task;
  auto* mm = k.fork({&task});
  free_mm(k.m(0), k.cpu(0), mm);
  EXPECT_THAT(k.findings(), IsEmpty());
  free_mm(k.m(0), k.cpu(0), mm);
  EXPECT_THAT(k.findings(), ElementsAre("DOUBLE-FREE on cpu 0 in free_mm"));
  EXPECT_EQ(k.sum().mms_freed, 1u);
  EXPECT_FALSE(k.m(0).irqs_disabled());
  EXPECT_NE(k.fork({&task}), k.fork({&task}));
}

TEST(Oracle, SeesTheLastReferenceToInitMmGo) {
  ByHand<scheme::Refcount> k(1);
  mmdrop(k.m(0), k.cpu(0), k.init_mm(), Site::mmput);
  EXPECT_THAT(k.findings(), IsEmpty());
  mmdrop(k.m(0), k.cpu(0), k.init_mm(), Site::mmput);
  EXPECT_THAT(k.findings(), ElementsAre("DOUBLE-FREE on cpu 0 in __mmdrop of init_mm"));
}

TEST(Oracle, SeesAMmSwitchWithInterruptsOn) {
  ByHand<scheme::Refcount> k(1);
  auto* mm = k.fork({});
  lifecycle::Powerpc::switch_mm_irqs_off(k.m(0), k.cpu(0), k.init_mm(), mm);
  EXPECT_THAT(k.findings(), ElementsAre("ASSERT on cpu 0 in switch_mm_irqs_off"));
}

// A handler that reports while the same CPU is reporting would wait for itself: reports are made with
// interrupts off.
TEST(Oracle, ReportsLeaveInterruptsAsTheyWere) {
  ByHand<scheme::Refcount> k(1);
  report(k.m(0), k.cpu(0), Violation::leak, "here");
  EXPECT_FALSE(k.m(0).irqs_disabled());
  k.m(0).irq_disable();
  report(k.m(0), k.cpu(0), Violation::leak, "there");
  EXPECT_TRUE(k.m(0).irqs_disabled());
  EXPECT_THAT(k.findings(), ElementsAre("LEAK on cpu 0 in here", "LEAK on cpu 0 in there"));
}

TEST(Oracle, KeepsTheFirstAndCountsAll) {
  Oracle oracle;
  for (unsigned i = 0; i < 100; ++i) oracle.report(Violation::used, i, "somewhere");
  EXPECT_EQ(oracle.count(), 100u);
  ASSERT_EQ(oracle.findings().size(), 16u);
  EXPECT_EQ(oracle.findings().front().cpu, 0u);
  EXPECT_EQ(oracle.findings().back().cpu, 15u);
}

TEST(Oracle, HasANameForEachClass) {
  EXPECT_EQ(to_string(Violation::dangling), "DANGLING");
  EXPECT_EQ(to_string(Violation::used), "USED");
  EXPECT_EQ(to_string(Violation::assertion), "ASSERT");
  EXPECT_EQ(to_string(Violation::leak), "LEAK");
  EXPECT_EQ(to_string(Violation::double_free), "DOUBLE-FREE");
}

}  // namespace
}  // namespace mmscale::kernel
