// SPDX-License-Identifier: MIT
#include "measure/validity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "measure/statistics.h"

namespace mmscale::measure {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kMs = 1'000'000;

CpuConditions quiet_cpu(unsigned cpu) {
  CpuConditions conditions;
  conditions.cpu = cpu;
  conditions.thread.wait_ns = 0;
  conditions.thread.cpu_before = cpu;
  conditions.thread.cpu_after = cpu;
  conditions.thread.bound = true;
  conditions.account = CpuAccount{.elapsed_ns = 1000 * kMs, .ran_ns = 1000 * kMs};
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
  window.coupled = false;
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

// What a CPU loses is weighed: 2 % of one of two CPUs is 1 % of what both do.
TEST(Validity, WaitingBehindOtherTasks) {
  auto window = quiet_window();
  window.cpus[1].thread.wait_ns = 10 * kMs;
  window.cpus[1].account->ran_ns = 990 * kMs;
  window.cpus[1].thread.involuntary = 12;
  EXPECT_THAT(reasons_against(window), IsEmpty());
  window.cpus[1].thread.wait_ns = 21 * kMs;
  window.cpus[1].account->ran_ns = 979 * kMs;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 3: waited 2.1 % of the window behind other tasks (12 involuntary switches)"));
}

TEST(Validity, WaitingWithoutAnyAccountingAnySwitchCounts) {
  auto window = quiet_window();
  window.cpus[0].thread.wait_ns.reset();
  window.cpus[0].thread.involuntary = 1;
  EXPECT_THAT(reasons_against(window), IsEmpty()) << "it ran all the time";
  window.cpus[0].account->ran_ns.reset();
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 2: this system does not say how long its thread ran",
                          "cpu 2: suffered 1 involuntary switch, and this kernel does not say for how long"));
}

TEST(Validity, StandingStillIsNotWaiting) {
  auto window = quiet_window();
  // Stopped for 400 of 1000 ms on both, one of them behind others for 100 ms of that.
  for (CpuConditions& cpu : window.cpus) cpu.account->ran_ns = 600 * kMs;
  window.cpus[0].thread.wait_ns = 100 * kMs;
  const auto reasons = reasons_against(window);
  ASSERT_EQ(reasons.size(), 2U);
  EXPECT_EQ(reasons[0], "cpu 2: waited 10.0 % of the window behind other tasks (0 involuntary switches)");
  EXPECT_EQ(
      reasons[1],
      "cpu 3: stood still for 40.0 % of the window and not behind other tasks: stopped, frozen, throttled or "
      "stolen; so did 1 other CPU");
}

TEST(Validity, ACpuThatDoesNotComeOnThoughItsThreadRuns) {
  auto window = quiet_window();
  window.cpus[0].account->stalled_ns = 50 * kMs;
  window.cpus[0].account->longest_gap_ns = 30 * kMs;
  EXPECT_THAT(
      reasons_against(window),
      ElementsAre(
          "cpu 2: did not come on for 5.0 % of the window, up to 30.0 ms at a time, though the kernel "
          "says that it ran: interrupts, firmware or a hypervisor"));
  // The same time seen twice is lost once.
  window.cpus[0].account->ran_ns = 950 * kMs;
  window.cpus[0].thread.wait_ns = 50 * kMs;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 2: waited 5.0 % of the window behind other tasks (0 involuntary switches)"));
}

TEST(Validity, AwayOnAnotherCpuForAWhile) {
  auto window = quiet_window();
  window.cpus[1].account->away_ns = 200 * kMs;
  EXPECT_THAT(reasons_against(window), ElementsAre("cpu 3: spent 20.0 % of the window on another CPU"));
}

TEST(Validity, AnAffinityThatWasChanged) {
  auto window = quiet_window();
  window.cpus[1].thread.bound = false;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 3: its thread was allowed elsewhere when the window had ended"));
}

TEST(Validity, NoAccountIsNotAGoodOne) {
  auto window = quiet_window();
  window.cpus[1].account.reset();
  EXPECT_THAT(reasons_against(window), ElementsAre("cpu 3: how long its thread ran is not known"));
}

TEST(Validity, AClockThatStepped) {
  auto forwards = quiet_window();  // 100 ms of the window never were
  for (CpuConditions& cpu : forwards.cpus) cpu.account->ran_ns = 900 * kMs;
  EXPECT_FALSE(judge(forwards).valid);
  auto backwards = quiet_window();
  for (CpuConditions& cpu : backwards.cpus) cpu.account->ran_ns = 1100 * kMs;
  EXPECT_THAT(
      reasons_against(backwards),
      ElementsAre("cpu 2: ran for 1100.000 ms in a window of 1000.000 ms: the clock was set back; so did 1 "
                  "other CPU"));
  auto corrected = quiet_window();
  corrected.machine.elapsed_ns = 1250 * kMs;
  corrected.machine.raw_elapsed_ns = 1249 * kMs;  // 800 ppm
  EXPECT_THAT(reasons_against(corrected), IsEmpty());
  corrected.machine.raw_elapsed_ns = 1200 * kMs;
  EXPECT_THAT(reasons_against(corrected),
              ElementsAre("CLOCK_MONOTONIC went 50.000 ms further than the hardware's 1200.000 ms"));
}

TEST(Validity, AMachineThatSlept) {
  auto window = quiet_window();
  window.machine.suspended_ns = 90'000 * kMs;
  EXPECT_THAT(reasons_against(window), ElementsAre("the machine was asleep for 90000.0 ms"));
}

TEST(Validity, SoftirqsOfOthersWorkAreALoss) {
  auto window = quiet_window();
  window.machine.elapsed_ns = 1000 * kMs;
  // At 13 us each, of one of two CPUs: 1 % is 1,500.
  window.machine.steal[0].softirqs = 1400;
  EXPECT_TRUE(judge(window).valid);
  window.machine.steal[0].softirqs = 4000;
  EXPECT_THAT(reasons_against(window),
              ElementsAre("cpu 2: was interrupted for others' work (network, disks, timers, calls by other "
                          "CPUs), for some 5.2 % of the window"));
}

TEST(Validity, InterruptsBeyondTheTickAreALoss) {
  auto window = quiet_window();
  window.machine.elapsed_ns = 1000 * kMs;
  window.machine.ticks_per_second = 250;
  window.machine.steal[0].interrupts = 250 + 2 + 1400;
  EXPECT_TRUE(judge(window).valid);
  EXPECT_NEAR(judge(window).bounds.fairness, 0.0182 / (1 - 0.0182), 1e-6);
  window.machine.steal[0].interrupts = 250 + 2 + 4000;
  window.machine.steal[0].softirqs = 4000;  // their late halves: the same time, not more
  EXPECT_THAT(reasons_against(window), ElementsAre(HasSubstr("some 5.2 % of the window")));
}

TEST(Validity, InterruptsFromOtherCpusAreALossIfTheyAreNotOurs) {
  auto window = quiet_window();
  window.machine.elapsed_ns = 1000 * kMs;
  window.machine.steal[0].ipis = 4002;
  EXPECT_TRUE(judge(window).valid) << "how many are ours is not known";
  window.cpus[0].own_ipis = 2600;
  EXPECT_TRUE(judge(window).valid);
  window.cpus[0].own_ipis = 0;
  EXPECT_THAT(reasons_against(window), ElementsAre(HasSubstr("some 5.2 % of the window")));
  window.cpus[0].own_ipis = 9000;  // several at a time, or without the kernel's help
  EXPECT_EQ(judge(window).bounds.fairness, 0);
}

// Where CPU time excludes what the hypervisor took, that time is known to the nanosecond, and the ticks say nothing
// more.
TEST(Validity, StealIsJudgedByTheBetterOfTwoAccounts) {
  auto window = quiet_window();
  window.machine.steal[0].stolen_ns = 50 * kMs;
  EXPECT_FALSE(judge(window).valid);
  window.cpu_time_excludes_steal = true;
  EXPECT_TRUE(judge(window).valid);
  window.cpus[0].account->ran_ns = 950 * kMs;
  EXPECT_FALSE(judge(window).valid);
}

TEST(ErrorBounds, AreOfTheMeanWhereCpusContendAndOfTheSumWhereTheyWait) {
  auto window = quiet_window();
  window.cpus[0].account->ran_ns = 990 * kMs;
  const ErrorBounds contending = judge(window).bounds;
  EXPECT_NEAR(contending.rate, 0.005 / 0.995, 1e-9);
  EXPECT_NEAR(contending.fairness, 0.01 / 0.99, 1e-9);
  EXPECT_NEAR(contending.time, 0.02 / 1.01, 1e-9);
  window.coupled = true;
  EXPECT_NEAR(judge(window).bounds.rate, 0.01 / 0.99, 1e-9);
  EXPECT_FALSE(judge(window).valid);
  for (CpuConditions& cpu : window.cpus) cpu.account->ran_ns = 0;
  EXPECT_TRUE(std::isinf(judge(window).bounds.rate));
}

// Two CPUs that take 50 ns a round for what takes one of them 5: 40 rounds a us, and 200 while one is away.
TEST(ErrorBounds, WhereTwoFightForALineOneAwayMakesTheOtherFaster) {
  auto window = quiet_window();
  for (CpuConditions& cpu : window.cpus) {
    cpu.account->rounds = 20'000'000;
    cpu.account->fastest_round_ns = 50;
  }
  const auto bounds_with = [&window](std::int64_t away_ns) {
    window.cpus[0].account->ran_ns = 1000 * kMs - away_ns;
    return judge(window).bounds;
  };
  // As if neither took anything from the other.
  EXPECT_NEAR(bounds_with(2 * kMs).rate, 0.001, 1e-5);
  EXPECT_NEAR(bounds_with(2 * kMs).fairness, 0.002, 1e-5);
  window.cpus[1].account->fastest_round_ns = 5;
  // 2 ms at 200 instead of 40 are 0.8 % more.
  EXPECT_NEAR(bounds_with(2 * kMs).rate, 0.008 / 0.992, 1e-5);
  EXPECT_NEAR(bounds_with(2 * kMs).fairness, 0.02 / 0.98, 1e-5);
  EXPECT_NEAR(bounds_with(2 * kMs).time, 0.02 / 1.018, 1e-5);
  EXPECT_TRUE(judge(window).valid);
  bounds_with(5 * kMs);
  EXPECT_FALSE(judge(window).valid);
  // That the slow one was away gives the other nothing to gain from.
  bounds_with(0);
  window.cpus[1].account->ran_ns = 995 * kMs;
  EXPECT_NEAR(judge(window).bounds.rate, 0.0025, 1e-4);
}

TEST(ErrorBounds, OfManyCpusALawSaysHowMuchFasterTheOthersGetUnlessOneIsAloneElsewhere) {
  auto window = quiet_window();
  window.cpus = {quiet_cpu(0), quiet_cpu(1), quiet_cpu(2), quiet_cpu(3)};
  window.machine.steal = {{0, 0}, {1, 0}, {2, 0}, {3, 0}};
  for (CpuConditions& cpu : window.cpus) {
    cpu.account->rounds = 10'000'000;
    cpu.account->fastest_round_ns = 10;
  }
  window.cpus[3].account->ran_ns = 998 * kMs;
  // Three quarters of all go on twice as fast: half as much again.
  EXPECT_NEAR(judge(window).bounds.rate, 0.001, 1e-5);
  window.cpus[3].alone = true;
  EXPECT_NEAR(judge(window).bounds.rate, 0.013 / 0.987, 1e-5);
  // Where they go no faster, only its own part is missing; where they wait for it, all.
  for (CpuConditions& cpu : window.cpus) cpu.account->fastest_round_ns = 100;
  EXPECT_NEAR(judge(window).bounds.rate, 0.0005, 1e-5);
  window.coupled = true;
  EXPECT_NEAR(judge(window).bounds.rate, 0.002, 1e-5);
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
  for (CpuConditions& cpu : window.cpus)
    cpu.account = CpuAccount{.elapsed_ns = 100 * kMs, .ran_ns = 100 * kMs};
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
  for (CpuConditions& cpu : window.cpus) cpu.account->ran_ns = 700 * kMs;
  window.cpus[0].account->ran_ns = 980 * kMs;
  window.cpus[2].account->ran_ns = 960 * kMs;
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

TEST(Validity, EmulatedCpusMeasureNothing) {
  auto window = quiet_window();
  window.emulator = "QEMU TCG";
  EXPECT_THAT(reasons_against(window),
              ElementsAre("the CPUs are emulated (QEMU TCG): their times are not measurements"));
}

TEST(Validity, OtherTasksThatCannotBeSeenMayBeLoad) {
  auto window = quiet_window();
  window.real_switches = true;
  window.others_missing = "hidepid";
  EXPECT_THAT(reasons_against(window),
              ElementsAre("what other tasks ran is not known (hidepid): it may be load"));
}

// 384 CPUs, each of which something takes from its thread now and then: for 1 to 10 ms of 50, a kernel thread's or a cron
// job's usual visit, or a steal tick of 10 ms. What a window would have counted without it is known here.
struct Campaign {
  double counting = 0;    // share of the windows that count
  double median_off = 0;  // how far the median of those is off
  double bound = 0;       // the worst bound of those
};

Campaign disturbed_campaign(double probability, std::mt19937& dice) {
  constexpr unsigned kCpus = 384;
  constexpr std::int64_t kWindow = 50 * kMs;
  constexpr int kWindows = 9;
  std::bernoulli_distribution disturbed(probability);
  std::uniform_int_distribution<std::int64_t> taken(1 * kMs, 10 * kMs);
  // What one CPU fewer does to the others, from no contention (0) to a line that all fight for (-1 is the worst that the
  // law allows: the sum rises as it falls).
  std::uniform_real_distribution<double> elasticity(-1, 1);
  Campaign campaign;
  std::vector<double> figures;
  const double slope = elasticity(dice);
  for (int w = 0; w < kWindows; ++w) {
    auto window = quiet_window();
    window.window_ns = kWindow;
    window.cpus.clear();
    window.machine.steal.clear();
    std::int64_t lost = 0;
    for (unsigned cpu = 0; cpu < kCpus; ++cpu) {
      window.cpus.push_back(quiet_cpu(cpu));
      const std::int64_t off = disturbed(dice) ? taken(dice) : 0;
      window.cpus.back().account = CpuAccount{.elapsed_ns = kWindow, .ran_ns = kWindow - off};
      window.cpus.back().thread.wait_ns = off;
      window.machine.steal.push_back({cpu, off > 8 * kMs ? 10 * kMs : 0});
      lost += off;
    }
    const Verdict verdict = judge(window);
    const double share = static_cast<double>(lost) / static_cast<double>(kCpus * kWindow);
    const double off = std::pow(1 - share, slope) - 1;
    EXPECT_LE(std::abs(off), verdict.bounds.rate + 1e-12);
    if (!verdict.valid) continue;
    EXPECT_LE(std::abs(off), kMaxError);
    campaign.bound = std::max(campaign.bound, verdict.bounds.rate);
    figures.push_back(off);
  }
  campaign.counting = static_cast<double>(figures.size()) / kWindows;
  if (!figures.empty()) campaign.median_off = std::abs(*median(figures));
  return campaign;
}

TEST(Validity, OfAMachineOfHundredsOfCpusMostWindowsCount) {
  std::mt19937 dice(17);
  for (const auto& [probability, at_least] : {std::pair{0.002, 0.95}, {0.005, 0.9}, {0.01, 0.8}}) {
    double counting = 0;
    int within = 0;
    constexpr int kRuns = 100;
    for (int run = 0; run < kRuns; ++run) {
      const Campaign campaign = disturbed_campaign(probability, dice);
      counting += campaign.counting / kRuns;
      within += campaign.median_off <= campaign.bound ? 1 : 0;
    }
    EXPECT_GE(counting, at_least) << probability;
    EXPECT_GE(within, 99) << probability;
  }
}

TEST(Validity, AWindowAboveTheBoundNeverCounts) {
  std::mt19937 dice(18);
  std::uniform_real_distribution<double> part(0, 0.05);
  for (int run = 0; run < 1000; ++run) {
    auto window = quiet_window();
    double lost = 0;
    for (CpuConditions& cpu : window.cpus) {
      const double off = part(dice);
      cpu.account->ran_ns = static_cast<std::int64_t>((1 - off) * 1000 * kMs);
      lost += off / 2;
    }
    const Verdict verdict = judge(window);
    EXPECT_EQ(verdict.valid, verdict.bounds.rate <= kMaxError);
    EXPECT_NEAR(verdict.bounds.rate, lost / (1 - lost), 1e-6);
  }
}

}  // namespace
}  // namespace mmscale::measure
