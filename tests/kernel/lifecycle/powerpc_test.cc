// SPDX-License-Identifier: MIT
//
// What flushes of a living mm do to its mask: flush_type_needed and exit_lazy_flush_tlb of radix_tlb.c, by
// hand.
#include "kernel/lifecycle/powerpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "kernel/lifecycle/catalogue.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"
#include "scheme/shootdown_exitflush.h"
#include "support/by_hand.h"
#include "support/scheme_name.h"

namespace mmscale::kernel::lifecycle {
namespace {

using test::ByHand;
using testing::IsEmpty;

// A single-threaded process that ran on CPU 1 first and then on CPU 0, where it runs now: CPU 1 is lazy on
// its mm.
template <class Scheme>
struct Migrated : ByHand<Scheme> {
  using Base = ByHand<Scheme>;

  Migrated() : Base(2), mm(this->fork({&task})) {
    this->run(1, task);
    this->idle(1);
    this->run(0, task);
  }

  typename Base::Task task;
  typename Base::Mm* mm;
};

template <class Scheme>
class PowerpcTrim : public testing::Test {};
using TrimmedSchemes = testing::Types<scheme::Refcount, scheme::Shootdown>;
TYPED_TEST_SUITE(PowerpcTrim, TrimmedSchemes, test::SchemeName);

TYPED_TEST(PowerpcTrim, ASingleThreadedProcessTrimsItsMaskToItself) {
  constexpr int kBorrow = TypeParam::kCounted ? 1 : 0;
  Migrated<TypeParam> k;
  EXPECT_EQ(k.mm->active_cpus, 2);
  EXPECT_EQ(k.mm_count(k.mm), 1 + kBorrow);
  k.flush(0, k.mm);
  EXPECT_EQ(k.mm->active_cpus, 1);
  EXPECT_TRUE(k.in_mask(k.mm, 0u));
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_EQ(k.cpu(1).loaded_mm, k.init_mm());
  EXPECT_EQ(k.active(0), k.mm);
  EXPECT_EQ(k.mm_count(k.mm), 1) << "the borrow was returned";
  EXPECT_EQ(k.mm_count(k.init_mm()), 1 + kBorrow);
  EXPECT_EQ(k.cpu(0).tally.ipis_trim, 1u);
  EXPECT_EQ(k.cpu(1).tally.ipis_useful, 1u);

  k.flush(0, k.mm);
  EXPECT_EQ(k.sum().ipis_trim, 1u) << "nobody left to trim";
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(PowerpcTrim, ATrimmedCpuComesBackIntoTheMask) {
  Migrated<TypeParam> k;
  k.flush(0, k.mm);
  k.idle(0);
  k.run(1, k.task);
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  EXPECT_EQ(k.mm->active_cpus, 2);
}

// A CPU in the mask that is not lazy on the mm leaves it too; only for a lazy one it was worth the interrupt.
TYPED_TEST(PowerpcTrim, ACpuThatMovedOnLeavesTheMaskToo) {
  Migrated<TypeParam> k;
  typename Migrated<TypeParam>::Task other;
  auto* other_mm = k.fork({&other});
  k.run(1, other);
  k.flush(0, k.mm);
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_EQ(k.mm->active_cpus, 1);
  EXPECT_EQ(k.active(1), other_mm);
  EXPECT_EQ(k.cpu(1).tally.ipis_useless, 1u);
}

// Two threads: mm_users says that others may run it, so only the clock trims, at one flush in 1073, and a CPU
// whose current task lives in the mm stays.
TYPED_TEST(PowerpcTrim, ThreadedProcessesTrimOnTheClock) {
  ByHand<TypeParam> k(3);
  typename ByHand<TypeParam>::Task on_0, on_1, on_2;
  auto* mm = k.fork({&on_0, &on_1, &on_2});
  k.run(0, on_0);
  k.run(1, on_1);
  k.run(2, on_2);
  k.idle(2);
  for (unsigned i = 1; i < 1073; ++i) k.flush(0, mm);
  EXPECT_EQ(k.sum().ipis_trim, 0u);
  k.flush(0, mm);
  EXPECT_EQ(k.sum().ipis_trim, 2u);
  EXPECT_EQ(k.cpu(1).tally.ipis_useless, 1u);
  EXPECT_EQ(k.cpu(2).tally.ipis_useful, 1u);
  EXPECT_TRUE(k.in_mask(mm, 0u));
  EXPECT_TRUE(k.in_mask(mm, 1u));
  EXPECT_FALSE(k.in_mask(mm, 2u));
  EXPECT_EQ(k.active(1), mm);
  EXPECT_EQ(mm->active_cpus, 2);
  // The clock starts again.
  for (unsigned i = 1; i < 1073; ++i) k.flush(0, mm);
  EXPECT_EQ(k.sum().ipis_trim, 2u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

// An asynchronous flusher (reclaim, say) that is the only one in the mask takes itself out, on the clock.
TYPED_TEST(PowerpcTrim, TheOnlyLazyCpuTrimsItselfOnTheClock) {
  ByHand<TypeParam> k(2);
  typename ByHand<TypeParam>::Task task;
  auto* mm = k.fork({&task});
  k.run(0, task);
  k.idle(0);
  for (unsigned i = 1; i < 1073; ++i) k.flush(0, mm);
  EXPECT_EQ(k.active(0), mm);
  EXPECT_EQ(mm->active_cpus, 1);
  k.flush(0, mm);
  EXPECT_EQ(k.active(0), k.init_mm());
  EXPECT_FALSE(k.in_mask(mm, 0u));
  EXPECT_EQ(mm->active_cpus, 0);
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
  EXPECT_FALSE(k.m(0).irqs_disabled());
  EXPECT_THAT(k.findings(), IsEmpty());
}

// The flusher runs another process: it sends to the others of the mask, then leaves the mask itself.
TYPED_TEST(PowerpcTrim, AStrangerTrimsEverybodyOnTheClock) {
  Migrated<TypeParam> k;
  typename Migrated<TypeParam>::Task other;
  k.fork({&other});
  k.run(0, other);
  for (unsigned i = 1; i < 1073; ++i) k.flush(0, k.mm);
  EXPECT_EQ(k.mm->active_cpus, 2);
  k.flush(0, k.mm);
  EXPECT_EQ(k.mm->active_cpus, 0);
  EXPECT_FALSE(k.in_mask(k.mm, 0u));
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_EQ(k.sum().ipis_trim, 1u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(PowerpcTrim, NobodyInTheMaskMeansNoFlush) {
  ByHand<TypeParam> k(1);
  typename ByHand<TypeParam>::Task task;
  auto* mm = k.fork({&task});
  for (unsigned i = 0; i < 2 * 1073; ++i) k.flush(0, mm);
  EXPECT_EQ(k.cpu(0).trim_clock, 0u);
  EXPECT_EQ(mm->active_cpus, 0);
}

// The CPU's own single-threaded flushes while it is alone in the mask leave the clock alone.
TYPED_TEST(PowerpcTrim, AloneAndCurrentIsALocalFlush) {
  ByHand<TypeParam> k(2);
  typename ByHand<TypeParam>::Task task;
  auto* mm = k.fork({&task});
  k.run(0, task);
  for (unsigned i = 0; i < 2 * 1073; ++i) k.flush(0, mm);
  EXPECT_EQ(k.cpu(0).trim_clock, 0u);
  EXPECT_TRUE(k.in_mask(mm, 0u));
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
}

// __flush_all_mm behind the exit flush: at one death in 1073 on a CPU its own borrow ends there, as in a real
// kernel's trace, whose do_shoot_lazy_tlb is missing at deaths 1,073 apart.
TEST(Powerpc, ADyingMmLeavesItsLastCpuOnTheClock) {
  ByHand<scheme::ShootdownExitflush> k(2);
  for (unsigned death = 1; death <= 1073; ++death) {
    ByHand<scheme::ShootdownExitflush>::Task task;
    k.fork({&task});
    k.run(1, task);
    k.idle(1);
    k.run(0, task);
    k.exit(0);
    EXPECT_EQ(k.cpu(0).tally.shoot_self, std::min(death, 1072u));
  }
  EXPECT_EQ(k.active(0), k.init_mm());
  EXPECT_EQ(k.cpu(0).tally.ipis_exit_flush, 1073u);
  EXPECT_EQ(k.sum().mms_freed, 1073u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

// CPUs beyond the first mask word.
TEST(Powerpc, FindsItsWordAndBit) {
  ByHand<scheme::Shootdown> k(67);
  ByHand<scheme::Shootdown>::Task on_0, on_66;
  auto* mm = k.fork({&on_0, &on_66});
  k.run(66, on_66);
  EXPECT_EQ(mm->cpumask(0), 0u);
  EXPECT_EQ(mm->cpumask(1), std::uint64_t{1} << 2);
  k.run(0, on_0);
  k.exit(66);
  k.exit(0);
  EXPECT_EQ(k.cpu(66).tally.ipis_useful, 1u);
  EXPECT_EQ(k.sum().ipis_shoot, 1u);
  EXPECT_EQ(k.active(66), k.init_mm());
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(LifecycleCatalogue, NamesAreUniqueAndExplained) {
  std::set<std::string_view> names;
  Catalogue::for_each([&]<class Lifecycle> {
    EXPECT_TRUE(names.insert(Lifecycle::kName).second) << Lifecycle::kName;
    EXPECT_FALSE(Lifecycle::kWhat.empty()) << Lifecycle::kName;
  });
  EXPECT_EQ(names.size(), Catalogue::names().size());
}

}  // namespace
}  // namespace mmscale::kernel::lifecycle
