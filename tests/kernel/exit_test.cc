// SPDX-License-Identifier: MIT
//
// The end of threads and processes, driven by hand on two CPUs.
#include "kernel/exit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheme/refcount.h"
#include "scheme/shootdown.h"
#include "scheme/untracked.h"
#include "support/scheme_name.h"
#include "support/two_processes.h"

namespace mmscale::kernel {
namespace {

using test::kBorrow;
using test::TwoProcesses;
using testing::IsEmpty;

template <class Scheme>
class Exit : public testing::Test {};
using ExitSchemes = testing::Types<scheme::Untracked, scheme::Refcount, scheme::Shootdown>;
TYPED_TEST_SUITE(Exit, ExitSchemes, test::SchemeName);

TYPED_TEST(Exit, TheDyingThreadBorrowsItsOwnMm) {
  TwoProcesses<TypeParam> k;
  k.mm->membarrier_state = 3;
  k.run(0, k.threads[0]);
  EXPECT_FALSE(exit_mm(k.m(0), k.cpu(0)));
  EXPECT_EQ(k.current(0), &k.threads[0]);
  EXPECT_EQ(k.threads[0].mm, nullptr);
  EXPECT_EQ(k.threads[0].active_mm, k.mm);
  EXPECT_EQ(k.cpu(0).loaded_mm, k.mm);
  EXPECT_EQ(k.cpu(0).membarrier_state, 0u);
  EXPECT_EQ(k.mm->mm_users, 1);
  EXPECT_EQ(k.mm_count(k.mm), 1 + kBorrow<TypeParam>);
  EXPECT_TRUE(k.in_mask(k.mm, 0u));
  EXPECT_FALSE(k.m(0).irqs_disabled());
  EXPECT_EQ(k.cpu(0).tally.exits, 1u);
}

TYPED_TEST(Exit, IdleInheritsTheBorrowOfTheDead) {
  TwoProcesses<TypeParam> k;
  k.run(0, k.threads[0]);
  EXPECT_FALSE(k.exit(0));
  EXPECT_EQ(k.current(0), &k.idle_task(0));
  EXPECT_EQ(k.active(0), k.mm);
  EXPECT_EQ(k.threads[0].active_mm, nullptr);
  EXPECT_EQ(k.threads[0].on_cpu, 0u);
  EXPECT_EQ(k.mm_count(k.mm), 1 + kBorrow<TypeParam>);
}

TYPED_TEST(Exit, AKernelThreadHasNothingToLeave) {
  TwoProcesses<TypeParam> k;
  k.run(0, k.threads[0]);
  k.idle(0);
  EXPECT_FALSE(exit_mm(k.m(0), k.cpu(0)));
  EXPECT_EQ(k.active(0), k.mm);
  EXPECT_EQ(k.mm->mm_users, 2);
  EXPECT_EQ(k.cpu(0).tally.exits, 0u);
}

TYPED_TEST(Exit, OnlyTheLastThreadEndsTheProcess) {
  TwoProcesses<TypeParam> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  EXPECT_FALSE(k.exit(1));
  EXPECT_EQ(k.sum().mms_freed, 0u);
  EXPECT_FALSE(k.is_free(k.mm));
  EXPECT_TRUE(k.exit(0));
  EXPECT_EQ(k.mm->mm_users, 0);
}

TYPED_TEST(Exit, EveryMmIsFreedOnceInTheEnd) {
  TwoProcesses<TypeParam> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(0);
  k.run(0, k.others[0]);
  k.exit(1);
  k.run(1, k.others[1]);
  k.exit(1);
  k.exit(0);
  k.drain();
  const Tally sum = k.sum();
  EXPECT_EQ(sum.mms_born, 2u);
  EXPECT_EQ(sum.mms_freed, 2u);
  EXPECT_EQ(sum.exits, 4u);
  EXPECT_EQ(sum.ipis_useful + sum.ipis_useless, sum.ipis_sent());
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_TRUE(k.is_free(k.other_mm));
  EXPECT_EQ(k.mm_count(k.init_mm()), 1 + 2 * kBorrow<TypeParam>);
  for (unsigned n : {0u, 1u}) EXPECT_EQ(k.active(n), k.init_mm());
}

TEST(ExitRefcount, TheLastBorrowerFrees) {
  TwoProcesses<scheme::Refcount> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(1);
  EXPECT_TRUE(k.exit(0));
  EXPECT_EQ(k.mm_count(k.mm), 2) << "one for each lazy CPU, the threads' own is gone";
  EXPECT_FALSE(k.is_free(k.mm));
  k.run(0, k.others[0]);
  EXPECT_EQ(k.mm_count(k.mm), 1);
  EXPECT_FALSE(k.is_free(k.mm));
  k.run(1, k.others[1]);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_EQ(k.cpu(0).tally.mms_freed, 0u);
  EXPECT_EQ(k.cpu(1).tally.mms_freed, 1u);
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(ExitShootdown, TheLastThreadFreesAtOnceAndLetsGoItself) {
  TwoProcesses<scheme::Shootdown> k;
  k.run(0, k.others[0]);
  k.exit(0);
  k.run(0, k.others[1]);
  EXPECT_TRUE(k.exit(0));
  EXPECT_TRUE(k.is_free(k.other_mm));
  EXPECT_EQ(k.active(0), k.init_mm());
  EXPECT_EQ(k.cpu(0).loaded_mm, k.init_mm());
  EXPECT_EQ(k.cpu(0).tally.shoot_self, 1u);
  EXPECT_EQ(k.sum().ipis_sent(), 0u) << "no other CPU ever ran it";
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(ExitShootdown, ALazyCpuIsShotDown) {
  TwoProcesses<scheme::Shootdown> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(1);
  EXPECT_EQ(k.active(1), k.mm);
  EXPECT_TRUE(k.exit(0));
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_EQ(k.cpu(1).loaded_mm, k.init_mm());
  EXPECT_EQ(k.cpu(0).tally.ipis_shoot, 1u);
  EXPECT_EQ(k.cpu(1).tally.ipis_useful, 1u);
  EXPECT_EQ(k.cpu(1).tally.ipis_useless, 0u);
  EXPECT_EQ(k.mm_count(k.mm), 0) << "do_shoot touches no counts";
  EXPECT_EQ(k.mm_count(k.init_mm()), 1);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(ExitShootdown, ALazyKernelThreadIsShotDown) {
  TwoProcesses<scheme::Shootdown> k;
  TwoProcesses<scheme::Shootdown>::Task kthread;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(1);
  k.run(1, kthread);
  k.exit(0);
  EXPECT_EQ(kthread.active_mm, k.init_mm());
  EXPECT_EQ(k.cpu(1).tally.ipis_useful, 1u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(ExitShootdown, ACpuThatMovedOnIsInterruptedForNothing) {
  TwoProcesses<scheme::Shootdown> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(1);
  k.run(1, k.others[1]);
  k.exit(0);
  EXPECT_EQ(k.active(1), k.other_mm);
  EXPECT_EQ(k.cpu(1).loaded_mm, k.other_mm);
  EXPECT_EQ(k.cpu(0).tally.ipis_shoot, 1u);
  EXPECT_EQ(k.cpu(1).tally.ipis_useful, 0u);
  EXPECT_EQ(k.cpu(1).tally.ipis_useless, 1u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

// Shootdown whose borrowers the exit flush sweeps up, as powerpc radix does it.
struct RidesExitFlush : scheme::Shootdown {
  static constexpr bool kRidesExitFlush = true;
};

TEST(ExitFlush, SweepsBorrowersBeforeTheLastDrop) {
  TwoProcesses<RidesExitFlush> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(1);
  k.exit(0);
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_EQ(k.cpu(0).tally.ipis_exit_flush, 1u);
  EXPECT_EQ(k.cpu(0).tally.ipis_shoot, 0u) << "the flush handler left the mask";
  EXPECT_EQ(k.cpu(1).tally.ipis_useful, 1u);
  EXPECT_EQ(k.cpu(0).tally.shoot_self, 1u) << "the sender is lazy too, and not swept";
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(ExitFlush, NeedsPageTables) {
  TwoProcesses<RidesExitFlush> k;
  TwoProcesses<RidesExitFlush>::Task on_0, on_1;
  auto* bare = k.fork({&on_0, &on_1}, 0, /*has_page_tables=*/false);
  k.run(0, on_0);
  k.run(1, on_1);
  k.exit(1);
  k.exit(0);
  EXPECT_EQ(k.cpu(0).tally.ipis_exit_flush, 0u);
  EXPECT_EQ(k.cpu(0).tally.ipis_shoot, 1u);
  EXPECT_TRUE(k.is_free(bare));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(ExitFlush, OnlySchemesThatRideItSendAnything) {
  TwoProcesses<scheme::Refcount> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(1);
  k.exit(0);
  EXPECT_EQ(k.sum().ipis_exit_flush, 0u);
  EXPECT_EQ(k.active(1), k.mm);
}

}  // namespace
}  // namespace mmscale::kernel
