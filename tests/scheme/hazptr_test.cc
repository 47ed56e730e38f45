// SPDX-License-Identifier: MIT
#include "scheme/hazptr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/hotplug.h"
#include "kernel/lifecycle/arm64.h"
#include "kernel/lifecycle/x86_2017.h"
#include "support/two_processes.h"

namespace mmscale::scheme {
namespace {

using test::TwoProcesses;
using testing::IsEmpty;

TEST(Hazptr, TheSlotNamesWhatIsBorrowed) {
  TwoProcesses<Hazptr> k;
  TwoProcesses<Hazptr>::Task kthread;
  EXPECT_EQ(k.scheme(1).slot, nullptr);
  k.run(1, k.threads[1]);
  EXPECT_EQ(k.scheme(1).slot, nullptr);
  k.idle(1);
  EXPECT_EQ(k.scheme(1).slot, k.mm);
  k.run(1, kthread);
  EXPECT_EQ(k.scheme(1).slot, k.mm) << "the borrow changed hands";
  k.move_on(1);
  EXPECT_EQ(k.scheme(1).slot, nullptr);
}

TEST(Hazptr, InterruptsTrueMatchesOnly) {
  TwoProcesses<Hazptr, kernel::lifecycle::Powerpc, 4> k;
  k.leave_cpu_0_alone();
  k.move_on(1);
  k.move_on(2);
  k.idle(2);
  k.exit(0);
  EXPECT_EQ(k.sum().ipis_shoot, 1u);
  EXPECT_EQ(k.cpu(3).tally.ipis_useful, 1u);
  EXPECT_EQ(k.sum().ipis_useless, 0u);
  EXPECT_EQ(k.sum().shoot_self, 1u);
  EXPECT_EQ(k.scheme(3).slot, nullptr);
  EXPECT_EQ(k.active(3), k.init_mm());
  EXPECT_EQ(k.scheme(2).slot, k.other_mm);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

template <class Lifecycle>
class HazptrWithoutMask : public testing::Test {};
using Maskless = testing::Types<kernel::lifecycle::X86_2017, kernel::lifecycle::Arm64>;
TYPED_TEST_SUITE(HazptrWithoutMask, Maskless);

TYPED_TEST(HazptrWithoutMask, FindsTheBorrowers) {
  TwoProcesses<Hazptr, TypeParam> k;
  k.leave_cpu_0_alone();
  k.exit(0);
  EXPECT_EQ(k.sum().ipis_shoot, 1u);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

// The CPU that takes another one down returns that one's borrow, not its own.
TEST(Hazptr, TakingACpuDownLeavesTheOwnSlotAlone) {
  TwoProcesses<Hazptr> k;
  k.run(0, k.threads[0]);
  k.idle(0);
  k.run(1, k.threads[1]);
  k.exit(1);
  cpu_down(k.m(1), k.cpu(1));
  EXPECT_EQ(k.scheme(1).slot, nullptr);
  finish_cpu(k.m(0), k.cpu(0), k.cpu(1));
  EXPECT_EQ(k.scheme(0).slot, k.mm);
}

}  // namespace
}  // namespace mmscale::scheme
