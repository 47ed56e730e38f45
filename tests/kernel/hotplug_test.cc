// SPDX-License-Identifier: MIT
//
// A CPU goes offline while it is lazy on a user mm, by hand: the order before 21641bd9a7a7 and after it.
#include "kernel/hotplug.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/lifecycle/arm64.h"
#include "kernel/lifecycle/powerpc_hash.h"
#include "kernel/lifecycle/x86_2024.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"
#include "support/by_hand.h"

namespace mmscale::kernel {
namespace {

using test::Build;
using test::ByHand;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

// A process whose thread on CPU 1 is gone: that CPU is lazy on its mm. The other thread runs on CPU 0.
template <class Scheme, class Lifecycle = lifecycle::Powerpc>
struct Leaving : ByHand<Scheme, Lifecycle> {
  using Base = ByHand<Scheme, Lifecycle>;

  explicit Leaving(Hotplug hotplug) : Base(2, 4, {.hotplug = hotplug}), mm(this->fork({&on_0, &on_1})) {
    this->run(1, on_1);
    this->exit(1);
    this->run(0, on_0);
  }
  void force_init_mm() { sched_force_init_mm(this->m(1), this->cpu(1)); }
  void take_down() { take_cpu_down(this->m(1), this->cpu(1)); }
  void idle_exit() { idle_task_exit(this->m(1), this->cpu(1)); }
  void finish() { finish_cpu(this->m(0), this->cpu(0), this->cpu(1)); }
  void down() { cpu_down(this->m(1), this->cpu(1)); }
  void up() { start_secondary(this->m(1), this->cpu(1)); }
  bool online(unsigned n) { return (this->system.cpu_online_mask(0) & this->cpu(n).mask_bit) != 0; }

  typename Base::Task on_0, on_1;
  typename Base::Mm* mm;
};

template <class Build>
class Hotplugged : public testing::Test {};
using HotplugBuilds =
    testing::Types<Build<scheme::Refcount, lifecycle::Powerpc>, Build<scheme::Shootdown, lifecycle::Powerpc>,
                   Build<scheme::Refcount, lifecycle::X86_2024>, Build<scheme::Shootdown, lifecycle::Arm64>>;
TYPED_TEST_SUITE(Hotplugged, HotplugBuilds);

TYPED_TEST(Hotplugged, GoesAndComesBack) {
  constexpr int kBorrow = TypeParam::Scheme::kCounted ? 1 : 0;
  Leaving<typename TypeParam::Scheme, typename TypeParam::Lifecycle> k(Hotplug::after);
  k.down();
  EXPECT_FALSE(k.online(1));
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_EQ(k.cpu(1).loaded_mm, k.init_mm());
  EXPECT_EQ(k.mm_count(k.mm), 1) << "the borrow was returned";
  k.finish();
  EXPECT_EQ(k.mm_count(k.init_mm()), 1) << "a dead CPU holds nothing";
  k.exit(0);
  EXPECT_EQ(k.cpu(0).tally.ipis_sent(), 0u) << "and is asked nothing";
  k.up();
  EXPECT_TRUE(k.online(1));
  EXPECT_EQ(k.mm_count(k.init_mm()), 1 + kBorrow);
  typename Leaving<typename TypeParam::Scheme, typename TypeParam::Lifecycle>::Task again;
  auto* fresh = k.fork({&again});
  k.run(1, again);
  EXPECT_EQ(k.active(1), fresh);
  k.exit(1);
  k.drain();
  EXPECT_EQ(k.sum().mms_freed, 2u);
  EXPECT_EQ(k.mm_count(k.init_mm()), 1 + 2 * kBorrow);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(Hotplugged, BeforeTheFixGoesWellIfNobodyDiesMeanwhile) {
  Leaving<typename TypeParam::Scheme, typename TypeParam::Lifecycle> k(Hotplug::before);
  k.take_down();
  k.idle_exit();
  EXPECT_EQ(k.cpu(1).loaded_mm, k.init_mm());
  EXPECT_EQ(k.active(1), k.mm) << "until finish_cpu";
  k.finish();
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_EQ(k.mm_count(k.mm), 1);
  k.up();
  k.exit(0);
  k.drain();
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(HotplugPowerpc, TheMaskIsClearedOfLivingMmsOnly) {
  Leaving<scheme::Shootdown> k(Hotplug::before);
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  const int active_cpus = k.mm->active_cpus;
  k.take_down();
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_TRUE(k.in_mask(k.mm, 0u));
  EXPECT_EQ(k.mm->active_cpus, active_cpus - 1);
  EXPECT_TRUE(k.in_mask(k.init_mm(), 1u)) << "nobody lives in init_mm";
}

// The race that 21641bd9a7a7 closed: out of the masks first, to init_mm later. An mm freed in between escapes
// the shootdown, while its page tables are still loaded ...
TEST(HotplugShootdown, BeforeTheFixAnMmDiesUnderTheLeavingCpu) {
  Leaving<scheme::Shootdown> k(Hotplug::before);
  k.take_down();
  k.exit(0);
  EXPECT_THAT(k.findings(), ElementsAre("DANGLING on cpu 0 in free_mm"));
  k.idle_exit();
  EXPECT_THAT(k.findings(), Contains("USED on cpu 1 in idle_task_exit"));
}

// ... or when only active_mm is left of them.
TEST(HotplugShootdown, BeforeTheFixAnMmDiesUnderTheDeadCpu) {
  Leaving<scheme::Shootdown> k(Hotplug::before);
  k.take_down();
  k.idle_exit();
  k.exit(0);
  EXPECT_THAT(k.findings(), ElementsAre("DANGLING on cpu 0 in free_mm"));
}

// A bit in the mask would not help: an offline CPU takes no IPI.
TEST(HotplugShootdown, AnOfflineCpuIsSkippedSilently) {
  Leaving<scheme::Shootdown, lifecycle::PowerpcHash> k(Hotplug::before);
  k.take_down();
  k.mm->cpumask(0) |= k.cpu(1).mask_bit;
  k.exit(0);
  EXPECT_EQ(k.cpu(0).tally.ipis_sent(), 0u);
  EXPECT_THAT(k.findings(), ElementsAre("DANGLING on cpu 0 in free_mm"));
}

TEST(HotplugShootdown, AfterTheFixNoMomentIsBad) {
  for (int moment = 0; moment < 4; ++moment) {
    SCOPED_TRACE(moment);
    Leaving<scheme::Shootdown> k(Hotplug::after);
    if (moment == 0) k.exit(0);
    k.force_init_mm();
    if (moment == 1) k.exit(0);
    k.take_down();
    k.idle_exit();
    if (moment == 2) k.exit(0);
    k.finish();
    if (moment == 3) k.exit(0);
    EXPECT_TRUE(k.is_free(k.mm));
    EXPECT_THAT(k.findings(), IsEmpty());
  }
}

TEST(HotplugRefcount, IsSafeEitherWay) {
  for (Hotplug hotplug : {Hotplug::before, Hotplug::after}) {
    Leaving<scheme::Refcount> k(hotplug);
    if (hotplug == Hotplug::after) k.force_init_mm();
    k.take_down();
    k.exit(0);
    k.idle_exit();
    k.finish();
    k.up();
    k.drain();
    EXPECT_TRUE(k.is_free(k.mm));
    EXPECT_THAT(k.findings(), IsEmpty());
  }
}

TEST(HotplugFault, SkippingTheFirstStepOfTheFixIsCaught) {
  Leaving<scheme::Refcount> k(Hotplug::after);
  k.take_down();
  k.idle_exit();
  k.finish();
  EXPECT_THAT(k.findings(), Contains("ASSERT on cpu 0 in finish_cpu: the dead CPU borrows a user mm"));
}

}  // namespace
}  // namespace mmscale::kernel
