// SPDX-License-Identifier: MIT
//
// The ideas for a better shootdown, each by what it does differently.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/lifecycle/x86_2017.h"
#include "scheme/implicit.h"
#include "scheme/shootdown_batch.h"
#include "scheme/shootdown_exitflush.h"
#include "scheme/shootdown_exitinit.h"
#include "scheme/shootdown_filter.h"
#include "scheme/shootdown_filter_all.h"
#include "scheme/shootdown_trim.h"
#include "support/two_processes.h"

namespace mmscale::scheme {
namespace {

using kernel::lifecycle::X86_2017;
using test::TwoProcesses;
using testing::Contains;
using testing::IsEmpty;

TEST(ShootdownExitflush, LeavesNobodyButTheDropper) {
  TwoProcesses<ShootdownExitflush, kernel::lifecycle::Powerpc, 3> k;
  k.leave_cpu_0_alone();
  k.exit(0);
  EXPECT_EQ(k.sum().ipis_exit_flush, 2u);
  EXPECT_EQ(k.sum().ipis_useful, 2u);
  EXPECT_EQ(k.sum().ipis_shoot, 0u) << "nobody is left in the mask";
  EXPECT_EQ(k.sum().shoot_self, 1u) << "the flush skips its sender";
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(ShootdownExitinit, AnExitingCpuBorrowsNothing) {
  TwoProcesses<ShootdownExitinit> k;
  k.leave_cpu_0_alone();
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_EQ(k.cpu(1).loaded_mm, k.init_mm());
  k.exit(0);
  EXPECT_EQ(k.active(0), k.init_mm());
  EXPECT_EQ(k.sum().shoot_self, 0u);
  EXPECT_EQ(k.sum().ipis_useful, 0u);
  EXPECT_EQ(k.sum().ipis_useless, 1u) << "still in the mask";
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(ShootdownExitinit, AnIdlingCpuBorrowsAsEver) {
  TwoProcesses<ShootdownExitinit> k;
  k.run(1, k.threads[1]);
  k.idle(1);
  EXPECT_EQ(k.active(1), k.mm);
}

TEST(ShootdownBatch, OneRoundForSeveral) {
  TwoProcesses<ShootdownBatch> k({.tuning = {.batch = 2}});
  k.leave_cpu_0_alone();
  k.exit(0);
  EXPECT_FALSE(k.is_free(k.mm));
  EXPECT_EQ(k.sum().ipis_shoot, 0u);
  // CPU 1 is in both masks and ends up lazy on the second.
  k.move_on(1);
  k.exit(1);
  k.move_on(0);
  k.exit(0);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_TRUE(k.is_free(k.other_mm));
  EXPECT_EQ(k.sum().ipis_shoot, 1u);
  EXPECT_EQ(k.sum().ipis_useful, 1u);
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(ShootdownBatch, TheEndDoesNotWaitForMore) {
  TwoProcesses<ShootdownBatch> k;
  k.leave_cpu_0_alone();
  k.exit(0);
  k.cpu(0).system->scheme.drain(k.m(0), k.cpu(0), kernel::Drain::tick);
  EXPECT_FALSE(k.is_free(k.mm));
  k.cpu(0).system->scheme.drain(k.m(0), k.cpu(0), kernel::Drain::end);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_EQ(k.sum().ipis_useful, 1u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

template <class Scheme>
class Filter : public testing::Test {};
using Filters = testing::Types<ShootdownFilter, ShootdownFilterAll>;
TYPED_TEST_SUITE(Filter, Filters);

TYPED_TEST(Filter, InterruptsWhoBorrows) {
  TwoProcesses<TypeParam> k;
  k.leave_cpu_0_alone();
  EXPECT_EQ(k.scheme(1).lazy_mm, k.mm);
  k.exit(0);
  EXPECT_EQ(k.sum().ipis_useful, 1u);
  EXPECT_EQ(k.sum().shoot_self, 1u);
  EXPECT_EQ(k.scheme(1).lazy_mm, nullptr);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(Filter, SparesWhoMovedOn) {
  TwoProcesses<TypeParam> k;
  k.leave_cpu_0_alone();
  k.move_on(1);
  EXPECT_EQ(k.scheme(1).lazy_mm, nullptr);
  k.idle(1);
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  k.exit(0);
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
  EXPECT_EQ(k.active(1), k.other_mm);
  EXPECT_THAT(k.findings(), IsEmpty());
}

// The exit flush clears the bits of CPUs that still borrow. Who goes by the mask misses them.
TEST(ShootdownFilter, TrustsTheMask) {
  TwoProcesses<ShootdownFilter, X86_2017> k;
  k.leave_cpu_0_alone();
  k.exit(0);
  EXPECT_EQ(k.sum().ipis_shoot, 0u);
  EXPECT_THAT(k.findings(), Contains("DANGLING on cpu 0 in free_mm"));
}

TEST(ShootdownFilterAll, DoesNotTrustTheMask) {
  TwoProcesses<ShootdownFilterAll, X86_2017> k;
  k.leave_cpu_0_alone();
  k.exit(0);
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_EQ(k.sum().ipis_shoot, 1u);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(ShootdownTrim, WhoLeavesADyingMmLeavesItsMask) {
  TwoProcesses<ShootdownTrim> k;
  k.leave_cpu_0_alone();
  mmgrab(k.m(0), k.cpu(0), k.mm);
  k.exit(0);
  EXPECT_FALSE(k.is_free(k.mm));
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  EXPECT_EQ(k.mm->active_cpus, 2);
  k.move_on(1);
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_EQ(k.mm->active_cpus, 1);
  mmdrop(k.m(0), k.cpu(0), k.mm, kernel::Site::mmdrop);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(ShootdownTrim, WhoLeavesALivingMmStays) {
  TwoProcesses<ShootdownTrim> k;
  k.leave_cpu_0_alone();
  k.move_on(1);
  EXPECT_TRUE(k.in_mask(k.mm, 1u)) << "its translations have not been flushed";
}

TEST(Implicit, TheSenderOfTheFlushDangles) {
  TwoProcesses<Implicit> k;
  k.leave_cpu_0_alone();
  k.exit(0);
  EXPECT_THAT(k.findings(), Contains("DANGLING on cpu 0 in free_mm"));
}

TEST(Implicit, WithoutPageTablesNobodyIsFlushed) {
  TwoProcesses<Implicit> k;
  k.mm->exit_flushes = 0;
  k.leave_cpu_0_alone();
  k.exit(0);
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
  k.move_on(1);
  EXPECT_THAT(k.findings(), Contains("USED on cpu 1 in switch_mm's prev"));
}

}  // namespace
}  // namespace mmscale::scheme
