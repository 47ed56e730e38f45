// SPDX-License-Identifier: MIT
//
// The lifecycles whose mask follows rules of its own: s390, RISC-V, LoongArch, and arm64 with the mask of 2020.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/idle.h"
#include "kernel/lifecycle/arm64_mask.h"
#include "kernel/lifecycle/loongarch.h"
#include "kernel/lifecycle/riscv.h"
#include "kernel/lifecycle/s390.h"
#include "scheme/refcount.h"
#include "support/two_processes.h"

namespace mmscale::kernel::lifecycle {
namespace {

using test::ByHandSystem;
using test::TwoProcesses;
using testing::IsEmpty;

template <class Lifecycle>
struct TwoMasks : TwoProcesses<scheme::Refcount, Lifecycle> {
  // Of the second mask, where there is one.
  bool in_second(ByHandSystem::Mm* of, unsigned n) {
    return (of->second_mask(this->cpu(n).mask_word, 2, this->system) & this->cpu(n).mask_bit) != 0;
  }
};

TEST(S390, ALazyCpuStaysAttachedAndAFlushSetsTheMaskToThoseWhoAre) {
  TwoMasks<S390> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.idle(1);
  EXPECT_TRUE(k.in_second(k.mm, 1));
  k.flush(0, k.mm);
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  k.run(1, k.others[1]);
  EXPECT_FALSE(k.in_second(k.mm, 1));
  EXPECT_TRUE(k.in_mask(k.mm, 1u)) << "until the next flush";
  k.flush(0, k.mm);
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_TRUE(k.in_mask(k.mm, 0u));
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(S390, TheLocksAndCountsOfAContextAreGivenBack) {
  TwoMasks<S390> k;
  k.run(0, k.threads[0]);
  k.flush(0, k.mm);
  k.idle(0);
  k.run(0, k.threads[0]);
  EXPECT_EQ(arch_state<S390::PerMm>(k.mm).flush_count, 0u);
  EXPECT_EQ(arch_state<S390::PerMm>(k.mm).lock, 0u);
}

TEST(Riscv, ABitIsNeverClearedAndAFlushMovesNobody) {
  TwoMasks<Riscv> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.idle(1);
  k.flush(0, k.mm);
  EXPECT_EQ(k.cpu(0).tally.ipis_flush, 1u) << "lazy or not";
  EXPECT_EQ(k.cpu(1).loaded_mm, k.mm);
  EXPECT_EQ(k.active(1), k.mm);
  k.run(1, k.others[1]);
  k.flush(0, k.mm);
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  EXPECT_EQ(k.cpu(1).tally.ipis_useless, 2u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(Loongarch, AProcessOfOneThreadTakesTheContextsOfOthersAway) {
  TwoMasks<Loongarch> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.idle(1);
  k.mm->mm_users = 1;
  k.flush(0, k.mm);
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  EXPECT_FALSE(k.in_second(k.mm, 1));
  EXPECT_TRUE(k.in_second(k.mm, 0));
  // Somebody else holds the address space: by interrupt, which finds no context.
  k.mm->mm_users = 2;
  k.flush(0, k.mm);
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_EQ(k.active(1), k.mm) << "lazy on it, and in no mask";
  EXPECT_EQ(k.cpu(1).loaded_mm, k.mm);
  k.run(1, k.threads[1]);
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  EXPECT_TRUE(k.in_second(k.mm, 1));
}

TEST(Loongarch, ALazyCpuWithItsContextLoadedStaysInTheMask) {
  TwoMasks<Loongarch> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.idle(1);
  k.flush(0, k.mm);
  EXPECT_EQ(k.cpu(0).tally.ipis_flush, 1u);
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  k.run(1, k.others[1]);
  k.flush(0, k.mm);
  EXPECT_FALSE(k.in_mask(k.mm, 1u)) << "another context is loaded";
}

TEST(Loongarch, TheExitFlushIsNone) {
  TwoMasks<Loongarch> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(1);
  k.exit(0);
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
}

TEST(Arm64Mask, IdleCpusLeaveThePageTablesAndTheCounter) {
  TwoMasks<Arm64Mask> k;
  auto& active = arch_state<Arm64Mask::PerMm>(k.mm).active;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  EXPECT_EQ(active, 2);
  k.idle(1);
  EXPECT_EQ(active, 1);
  EXPECT_EQ(k.cpu(1).loaded_mm, k.init_mm());
  EXPECT_EQ(k.active(1), k.mm) << "the borrow goes on";
  k.run(1, k.threads[1]);
  EXPECT_EQ(active, 2);
  k.run(1, k.others[1]);
  EXPECT_EQ(active, 1);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(Arm64Mask, AFlushOfOneCpuMarksAllOthersStale) {
  TwoMasks<Arm64Mask> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.idle(1);
  k.flush(0, k.mm);
  EXPECT_FALSE(k.in_mask(k.mm, 0u));
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  k.run(1, k.threads[1]);
  EXPECT_FALSE(k.in_mask(k.mm, 1u)) << "flushed on the way in";
  k.flush(0, k.mm);
  EXPECT_FALSE(k.in_mask(k.mm, 1u)) << "two CPUs are active: a broadcast";
}

}  // namespace
}  // namespace mmscale::kernel::lifecycle
