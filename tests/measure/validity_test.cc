// SPDX-License-Identifier: MIT
#include "measure/validity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace mmscale::measure {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kMs = 1'000'000;

CpuConditions quiet_cpu(unsigned cpu) {
  CpuConditions conditions;
  conditions.cpu = cpu;
  conditions.thread.wait_ns = 0;
  conditions.thread.cpu_before = cpu;
  conditions.thread.cpu_after = cpu;
  conditions.alu_rate_before = 1;
  conditions.alu_rate_after = 1;
  return conditions;
}

// One second on CPUs 2 and 3, against which there is nothing to say.
WindowConditions quiet_window() {
  WindowConditions window;
  window.window_ns = 1000 * kMs;
  window.overlap = 0.99;
  window.pinned = true;
  window.topology_is_this_system = true;
  window.cpus = {quiet_cpu(2), quiet_cpu(3)};
  window.machine.tick_ns = 10 * kMs;
  window.machine.steal = {{2, 0}, {3, 0}};
  window.machine.throttled_periods = 0;
  window.machine.throttled_ns = 0;
  window.build.optimised = true;
  return window;
}

std::vector<std::string> reasons_against(const WindowConditions& window) {
  const auto verdict = judge(window);
  EXPECT_EQ(verdict.valid, verdict.reasons.empty());
  return verdict.reasons;
}

TEST(Validity, NothingAgainstAQuietWindow) { EXPECT_THAT(reasons_against(quiet_window()), IsEmpty()); }

TEST(Validity, WhatNobodyFilledInIsInvalid) { EXPECT_FALSE(judge(WindowConditions{}).valid); }

TEST(Validity, Overlap) {
  auto window = quiet_window();
  window.overlap = 0.95;
  EXPECT_THAT(reasons_against(window), IsEmpty());
  window.overlap = 0.9;
  EXPECT_THAT(reasons_against(window), ElementsAre("the CPUs ran together for only 90.0 % of the time"));
  window.overlap = std::nan("");
  EXPECT_FALSE(judge(window).valid);
  window.overlap.reset();
  EXPECT_THAT(reasons_against(window), ElementsAre("whether the CPUs ran together is not known"));
}

TEST(Validity, AThreadThatLandedElsewhere) {
  auto window = quiet_window();
  window.cpus[1].thread.cpu_before = 5;
  window.cpus[1].thread.cpu_after = 5;
  EXPECT_THAT(reasons_against(window), ElementsAre("cpu 3: its thread began on cpu 5 and ended on cpu 5"));
}

TEST(Validity, AThreadThatMigrated) {
  auto window = quiet_window();
  window.cpus[0].thread.cpu_after = 7;
  window.cpus[0].thread.migrated = true;
  EXPECT_THAT(reasons_against(window), ElementsAre("cpu 2: its thread began on cpu 2 and ended on cpu 7"));
}

// Where real switches are measured, waiting for one's partner is the measurement; what others ran is not.
TEST(Validity, RealSwitchesMayWaitForEachOtherButNotForOthers) {
  auto window = quiet_window();
  window.real_switches = true;
  window.cpus[1].thread.wait_ns = 500 * kMs;
  window.cpus[1].thread.involuntary = 12;
  EXPECT_THAT(reasons_against(window), IsEmpty());
  window.machine.elapsed_ns = 2000 * kMs;
  window.others = {{2, 20 * kMs}, {3, 20 * kMs}};  // 1 %, the limit
  EXPECT_THAT(reasons_against(window), IsEmpty());
  window.others = {{2, 21 * kMs}, {3, 40 * kMs}};
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 3: other tasks ran there for 2.0 % of the time; so did 1 other CPU"));
  window.machine.elapsed_ns = 0;
  EXPECT_THAT(reasons_against(window), IsEmpty());
  window.others_ended = 2;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("2 other tasks ended while it ran, after running nobody knows how long"));
  window.real_switches = false;  // where waiting is judged, whoever was in the way shows there
  window.cpus[1].thread.wait_ns = 0;
  EXPECT_THAT(reasons_against(window), IsEmpty());
}

TEST(Validity, WaitingBehindOtherTasks) {
  auto window = quiet_window();
  window.cpus[1].thread.wait_ns = 10 * kMs;  // 1 %, the limit
  window.cpus[1].thread.involuntary = 12;
  EXPECT_THAT(reasons_against(window), IsEmpty());
  window.cpus[1].thread.wait_ns = 21 * kMs;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 3: waited 2.1 % of the window behind other tasks (12 involuntary switches)"));
}

TEST(Validity, WaitingWithoutAccountingAnySwitchCounts) {
  auto window = quiet_window();
  window.cpus[0].thread.wait_ns.reset();
  EXPECT_THAT(reasons_against(window), IsEmpty());
  window.cpus[0].thread.involuntary = 1;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 2: suffered 1 involuntary switch, and this kernel does not say for how long"));
}

TEST(Validity, StealInALongWindow) {
  auto window = quiet_window();
  window.machine.steal[1].stolen_ns = 10 * kMs;  // one tick of a second is 1 %, the limit
  EXPECT_THAT(reasons_against(window), IsEmpty());
  window.machine.steal[1].stolen_ns = 20 * kMs;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 3: lost 2.0 % of the window to the hypervisor (20 ms, to within 10 ms)"));
}

TEST(Validity, StealInAShortWindowTripsAtOneTick) {
  auto window = quiet_window();
  window.window_ns = 100 * kMs;
  window.machine.steal[0].stolen_ns = 10 * kMs;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 2: lost 10.0 % of the window to the hypervisor (10 ms, to within 10 ms)"));
}

TEST(Validity, StealThatIsNotKnownIsNoReason) {
  auto window = quiet_window();
  window.machine.steal = {{2, std::nullopt}, {3, std::nullopt}};
  EXPECT_THAT(reasons_against(window), IsEmpty());
}

TEST(Validity, ThrottledAtAll) {
  auto window = quiet_window();
  window.machine.throttled_periods = 1;
  window.machine.throttled_ns = 7 * kMs;
  EXPECT_THAT(reasons_against(window), ElementsAre("throttled by the CPU quota in 1 period, 7.0 ms in all"));
  window.machine.throttled_periods.reset();
  EXPECT_FALSE(judge(window).valid);
  window.machine.throttled_ns.reset();
  EXPECT_TRUE(judge(window).valid);
}

TEST(Validity, QuotaBelowTheCpusInUse) {
  auto window = quiet_window();
  window.quota.source = "cpu.max: 200000 100000";
  window.quota.cpus = 2;
  EXPECT_THAT(reasons_against(window), IsEmpty());
  window.quota.cpus = 1.5;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("the CPU quota of 1.50 CPUs (cpu.max: 200000 100000) is below the 2 CPUs in use"));
}

TEST(Validity, ArithmeticDrift) {
  auto window = quiet_window();
  window.cpus[0].alu_rate_after = 0.96;
  window.cpus[1].alu_rate_after = 1.04;
  EXPECT_THAT(reasons_against(window), IsEmpty());
  window.cpus[0].alu_rate_after = 0.94;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 2: computed 6.0 % slower after the window than before"));
  window.cpus[0].alu_rate_after = 1.5;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 2: computed 50.0 % faster after the window than before"));
  window.cpus[0].alu_rate_after = 0;  // none taken
  EXPECT_THAT(reasons_against(window), IsEmpty());
}

TEST(Validity, Pinning) {
  auto window = quiet_window();
  window.pinned = false;
  EXPECT_THAT(reasons_against(window), ElementsAre("not every thread was pinned to its CPU"));
}

TEST(Validity, ForeignTopology) {
  auto window = quiet_window();
  window.topology_is_this_system = false;
  EXPECT_THAT(reasons_against(window), ElementsAre("the topology is not that of this system"));
}

TEST(Validity, SanitizedBuild) {
  auto window = quiet_window();
  window.build.sanitizer = "address,undefined";
  EXPECT_THAT(reasons_against(window),
              ElementsAre("built with the address,undefined sanitizer: its times are not measurements"));
}

TEST(Validity, UnoptimisedBuild) {
  auto window = quiet_window();
  window.build.optimised = false;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("built without optimisation: its times are not measurements"));
}

TEST(Validity, NoLength) {
  auto window = quiet_window();
  window.window_ns = 0;
  EXPECT_THAT(reasons_against(window), ElementsAre("the window has no length"));
}

TEST(Validity, NoCpus) {
  auto window = quiet_window();
  window.cpus.clear();
  EXPECT_THAT(reasons_against(window), ElementsAre("no CPU was measured"));
}

TEST(Validity, OneReasonForEachRuleNamingTheWorstCpu) {
  auto window = quiet_window();
  window.cpus.push_back(quiet_cpu(4));
  window.machine.steal.push_back({4, 0});
  window.cpus[0].thread.wait_ns = 20 * kMs;
  window.cpus[1].thread.wait_ns = 300 * kMs;
  window.cpus[1].thread.involuntary = 1;
  window.cpus[2].thread.wait_ns = 40 * kMs;
  window.machine.steal[2].stolen_ns = 50 * kMs;
  window.machine.steal[0].stolen_ns = 40 * kMs;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 3: waited 30.0 % of the window behind other tasks (1 involuntary switch); "
                          "so did 2 other CPUs",
                          "cpu 4: lost 5.0 % of the window to the hypervisor (50 ms, to within 10 ms); "
                          "so did 1 other CPU"));
}

}  // namespace
}  // namespace mmscale::measure
