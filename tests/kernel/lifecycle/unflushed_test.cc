// SPDX-License-Identifier: MIT
//
// The lifecycles whose flushes interrupt nobody: powerpc-hash and arm64.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/lifecycle/arm64.h"
#include "kernel/lifecycle/powerpc_hash.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"
#include "support/two_processes.h"

namespace mmscale::kernel::lifecycle {
namespace {

using test::ByHand;
using test::TwoProcesses;
using testing::IsEmpty;

template <class Lifecycle, class Scheme = scheme::Shootdown>
using TwoUnflushed = TwoProcesses<Scheme, Lifecycle>;

// Shootdown that wants its borrowers swept up by the exit flush.
struct RidesExitFlush : scheme::Shootdown {
  static constexpr bool kRidesExitFlush = true;
};

TEST(PowerpcHash, BitsAreNeverTrimmed) {
  TwoUnflushed<PowerpcHash> k;
  k.run(1, k.threads[1]);
  k.run(1, k.others[1]);
  k.run(0, k.threads[0]);
  for (unsigned i = 0; i < 2 * Rules{}.trim_timer; ++i) k.flush(0, k.mm);
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  EXPECT_EQ(k.mm->active_cpus, 2);
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
}

TEST(PowerpcHash, TheExitFlushInterruptsNobodyAndTheLastDropDoes) {
  TwoUnflushed<PowerpcHash, RidesExitFlush> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(1);
  k.exit(0);
  EXPECT_EQ(k.cpu(0).tally.ipis_exit_flush, 0u);
  EXPECT_EQ(k.cpu(0).tally.ipis_shoot, 1u);
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(Arm64, NoMaskIsKept) {
  TwoUnflushed<Arm64> k;
  k.run(0, k.threads[0]);
  EXPECT_FALSE(k.in_mask(k.mm, 0u));
  EXPECT_EQ(k.cpu(0).loaded_mm, k.mm);
  EXPECT_EQ(k.cpu(0).pgd, k.mm->pgd);
  EXPECT_NE(k.lifecycle(0).active_asid, 0u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(Arm64, InitMmIsTheReservedTtbr0) {
  TwoUnflushed<Arm64> k;
  k.run(0, k.threads[0]);
  k.idle(0);
  const std::uint64_t asid = k.lifecycle(0).active_asid;
  k.unlazy(0, k.mm);
  EXPECT_EQ(k.cpu(0).loaded_mm, k.init_mm());
  EXPECT_EQ(k.lifecycle(0).active_asid, asid) << "init_mm has none";
}

// Every other CPU is a candidate, whether it ever ran the mm or not.
TEST(Arm64, ShootdownAsksEverybody) {
  TwoUnflushed<Arm64> k;
  ByHand<scheme::Shootdown, Arm64>::Task alone;
  auto* private_mm = k.fork({&alone});
  k.run(0, alone);
  k.exit(0);
  EXPECT_TRUE(k.is_free(private_mm));
  EXPECT_EQ(k.cpu(0).tally.ipis_shoot, 1u);
  EXPECT_EQ(k.cpu(1).tally.ipis_useless, 1u);
  EXPECT_EQ(k.cpu(0).tally.shoot_self, 1u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(Arm64, ShootdownFindsTheLazyCpu) {
  TwoUnflushed<Arm64> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(1);
  k.exit(0);
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_EQ(k.cpu(1).tally.ipis_useful, 1u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(Arm64, FlushesInterruptNobody) {
  TwoUnflushed<Arm64, RidesExitFlush> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.flush(0, k.mm);
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
}

}  // namespace
}  // namespace mmscale::kernel::lifecycle
