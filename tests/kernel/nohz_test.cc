// SPDX-License-Identifier: MIT
//
// The shared words of tickless idle, by hand.
#include "kernel/nohz.h"

#include <gtest/gtest.h>

#include "kernel/hotplug.h"
#include "kernel/lifecycle/powerpc.h"
#include "scheme/refcount.h"
#include "support/by_hand.h"

namespace mmscale::kernel {
namespace {

struct Tickless : test::ByHand<scheme::Refcount, lifecycle::Powerpc> {
  Tickless() : ByHand(2, 1) {}
  void stop(unsigned n) { nohz_balance_enter_idle(m(n), cpu(n)); }
  void busy(unsigned n) { nohz_balancer_kick(m(n), cpu(n)); }
  std::uint64_t mask() { return system.nohz.idle_cpus_mask.word(0); }
};

TEST(Nohz, WhoStopsItsTickIsInTheMaskUntilItsFirstBusyTick) {
  Tickless k;
  k.busy(0);
  EXPECT_EQ(k.system.nohz.nr_cpus, 0) << "its tick never stopped";
  k.stop(0);
  EXPECT_EQ(k.system.nohz.has_blocked, 1u);
  k.stop(1);
  k.stop(1);
  EXPECT_EQ(k.mask(), 3u);
  EXPECT_EQ(k.system.nohz.nr_cpus, 2) << "CPU 1 was there when it idled again";
  k.busy(0);
  EXPECT_EQ(k.mask(), 2u);
  EXPECT_EQ(k.system.nohz.nr_cpus, 1);
}

TEST(Nohz, WhoGoesOfflineLeavesTheMask) {
  Tickless k;
  k.stop(1);
  cpu_down(k.m(1), k.cpu(1));
  EXPECT_EQ(k.mask(), 0u);
  EXPECT_EQ(k.system.nohz.nr_cpus, 0);
}

}  // namespace
}  // namespace mmscale::kernel
