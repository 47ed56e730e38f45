// SPDX-License-Identifier: MIT
#include "host/kernel_account.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mmscale::host {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr pid_t kSelf = 10;
constexpr pid_t kOurs = 20;
const std::vector<pid_t> kProcesses = {kOurs};
const std::vector<unsigned> kCpus = {0, 1};

// Our two threads on CPUs 0 and 1, ourselves, and a daemon on CPU 1.
KernelCounts at(std::int64_t time_ns, std::int64_t all, std::int64_t ours, std::int64_t daemon) {
  KernelCounts counts;
  counts.time_ns = time_ns;
  counts.switches = all;
  counts.forks = 50;
  counts.tasks[20] = {.process = kOurs, .switches = ours, .run_ns = ours, .cpu = 0};
  counts.tasks[21] = {.process = kOurs, .switches = ours, .run_ns = ours, .cpu = 1};
  counts.tasks[10] = {.process = kSelf, .switches = 5, .run_ns = time_ns, .cpu = 0};
  counts.tasks[30] = {.process = 30, .switches = daemon, .run_ns = 10 * daemon, .cpu = 1};
  counts.ipis = {{"RES", IpiKind::reschedule, 100 + ours}};
  counts.idle = {{"C1", 7 + ours, 1000}};
  return counts;
}

KernelAccount between(const KernelCounts& before, const KernelCounts& after) {
  return account(before, after, kProcesses, kSelf, kCpus);
}

TEST(Others, KernelThreadsAreCountedAmongThemAndApart) {
  KernelCounts before = at(0, 0, 0, 0);
  KernelCounts after = at(1'000'000, 4000, 1000, 100);
  for (KernelCounts* counts : {&before, &after})
    counts->tasks[2] = {.process = 2, .switches = 0, .run_ns = 0, .cpu = 1, .kernel_thread = true};
  after.tasks[2].run_ns = 300;
  const KernelAccount account = between(before, after);
  ASSERT_EQ(account.others.size(), 2u);
  EXPECT_EQ(account.others[1].run_ns, 1300);
  EXPECT_EQ(account.kernel_threads[0].run_ns, 0);
  EXPECT_EQ(account.kernel_threads[1].run_ns, 300);
}

TEST(IdleShare, IsAllWhereEverySwitchGoesIntoIdleAndOut) {
  // 1,000 departures each of two threads, and as many of the idle tasks.
  const KernelAccount account = between(at(0, 0, 0, 0), at(1'000'000, 4000, 1000, 0));
  EXPECT_EQ(account.switches, 2000);
  EXPECT_EQ(account.idle_share_low, 1);
  EXPECT_EQ(account.idle_share_high, 1);
}

TEST(IdleShare, IsNoneWhereNobodyIdles) {
  const KernelAccount account = between(at(0, 500, 0, 0), at(1'000'000, 2500, 1000, 0));
  EXPECT_EQ(account.idle_share_low, 0);
  EXPECT_EQ(account.idle_share_high, 0);
}

TEST(IdleShare, LiesBetweenTwoBoundsWhereOthersRan) {
  // The idle tasks left 1,500 times; 100 of these may have been for the daemon.
  const KernelAccount account = between(at(0, 0, 0, 0), at(1'000'000, 2000 + 100 + 1500, 1000, 100));
  EXPECT_EQ(account.idle_share_low, 0.7);
  EXPECT_EQ(account.idle_share_high, 0.75);
}

TEST(IdleShare, CountsAllOfATaskThatIsNew) {
  KernelCounts after = at(1'000'000, 2000 + 100, 1000, 0);
  after.tasks[40] = {.process = 40, .switches = 100, .run_ns = 0, .cpu = 5};
  after.forks = 51;
  const KernelAccount account = between(at(0, 0, 0, 0), after);
  EXPECT_EQ(account.idle_share_high, 0);
  EXPECT_EQ(account.ended, 0);
}

// Measured on a machine that was compiling and never idle: a tenth of all switches were those of tasks that
// came and went, and looked like idle's.
TEST(IdleShare, HasNoLowerBoundWhereTasksEnded) {
  KernelCounts after = at(1'000'000, 4000, 1000, 0);
  after.forks = 52;
  const KernelAccount account = between(at(0, 0, 0, 0), after);
  EXPECT_EQ(account.ended, 2);
  EXPECT_FALSE(account.idle_share_low);
  EXPECT_EQ(account.idle_share_high, 1);
  EXPECT_EQ(account.idle_missing, "2 tasks ended meanwhile, whose switches nobody knows");
}

TEST(IdleShare, HasNoLowerBoundWhereNobodyCountsForks) {
  KernelCounts after = at(1'000'000, 4000, 1000, 0);
  after.forks.reset();
  const KernelAccount account = between(at(0, 0, 0, 0), after);
  EXPECT_FALSE(account.ended);
  EXPECT_FALSE(account.idle_share_low);
  EXPECT_EQ(account.idle_missing, "some tasks may have ended meanwhile, whose switches nobody knows");
}

TEST(IdleShare, HasNoLowerBoundWhereTasksAreHidden) {
  KernelCounts after = at(1'000'000, 3000, 1000, 0);
  after.tasks_missing = "a container";
  const KernelAccount account = between(at(0, 0, 0, 0), after);
  EXPECT_FALSE(account.idle_share_low);
  EXPECT_EQ(account.idle_share_high, 0.5);
  EXPECT_EQ(account.idle_missing, "a container");
  EXPECT_THAT(account.others, IsEmpty());
}

TEST(IdleShare, IsNotMadeUp) {
  KernelCounts after = at(1'000'000, 3000, 1000, 0);
  after.switches.reset();
  EXPECT_THAT(between(at(0, 0, 0, 0), after).idle_missing, HasSubstr("/proc/stat"));
  EXPECT_EQ(between(at(0, 0, 0, 0), at(1, 10, 0, 0)).idle_missing, "nothing switched");
}

TEST(Others, AreChargedToTheCpuTheyRanOnLastAndTheReaderToNone) {
  const KernelAccount account = between(at(0, 0, 0, 0), at(1'000'000, 4000, 1000, 100));
  ASSERT_EQ(account.others.size(), 2u);
  EXPECT_EQ(account.others[0].run_ns, 0);
  EXPECT_EQ(account.others[1].run_ns, 1000);
}

TEST(Others, AreUnknownWhereTheKernelDoesNotTime) {
  KernelCounts after = at(1'000'000, 4000, 1000, 100);
  after.tasks[30].run_ns.reset();
  EXPECT_THAT(between(at(0, 0, 0, 0), after).others, IsEmpty());
}

TEST(Report, HasFiguresPerOperationAndTheReasonsForTheRest) {
  KernelCounts after = at(1'000'000, 4000, 1000, 100);
  after.idle.clear();
  after.idle_missing = "no cpuidle";
  measure::Findings findings;
  report(between(at(0, 0, 0, 0), after), 2000, findings, {{"question", "switch"}});
  const nlohmann::ordered_json& details = *findings.details;
  EXPECT_EQ(details["question"], "switch");
  EXPECT_EQ(findings.counter("reschedule_ipis_per_operation"), 0.5);
  EXPECT_FALSE(findings.counter("tlb_ipis_per_operation"));
  EXPECT_EQ(findings.counter("others_share_max"), 0.001);
  EXPECT_FALSE(findings.counter("idle_entries"));
  EXPECT_EQ(details["kernel"]["interrupts"]["RES"], 1000);
  EXPECT_EQ(details["kernel"]["idle_states"], "unavailable (no cpuidle)");
}

}  // namespace
}  // namespace mmscale::host
