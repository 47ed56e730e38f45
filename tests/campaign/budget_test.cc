// SPDX-License-Identifier: MIT
#include "campaign/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "campaign/cpu_counts.h"

namespace mmscale::campaign {

void PrintTo(const Plan& plan, std::ostream* out) {
  *out << plan.cpu_counts.size() << " CPU counts x " << plan.repetitions << " repetitions of "
       << plan.times.measure.count() / 1e6 << " ms, expected "
       << static_cast<double>(plan.expected.count()) / 1e9 << " s";
}

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr unsigned kMachines[] = {1, 2, 16, 384, 1536, 4096};

// So many cases at every count.
auto per_count(unsigned cases) {
  return [cases](const std::vector<unsigned>& counts) {
    std::vector<CaseTime> times;
    for (const unsigned cpus : counts) times.insert(times.end(), cases, CaseTime{cpus});
    return times;
  };
}

// The default campaign: 4 workloads x 3 schemes and 3 floors.
BudgetRequest request(unsigned all_cpus, nanoseconds budget = 3min) {
  BudgetRequest request;
  request.budget = budget;
  request.all_cpus = all_cpus;
  request.cases = per_count(15);
  return request;
}

nanoseconds time_of(const Plan& plan, unsigned cases) {
  nanoseconds sum{};
  for (const unsigned cpus : plan.cpu_counts)
    sum += cases * plan.repetitions * (plan.times.warm + plan.times.measure + window_overhead(cpus));
  return sum;
}

TEST(Budget, ThreeMinutesAreEnoughForAnyMachine) {
  for (const unsigned cpus : kMachines) {
    const Plan plan = make_plan(request(cpus));
    EXPECT_LE(plan.expected, 3min) << cpus << " CPUs: " << testing::PrintToString(plan);
    EXPECT_EQ(plan.expected, time_of(plan, 15));
    EXPECT_EQ(plan.cpu_counts.front(), 1u);
    EXPECT_EQ(plan.cpu_counts.back(), cpus);
    EXPECT_GE(plan.repetitions, kLeastRepetitions);
    EXPECT_LE(plan.repetitions, kWantedRepetitions);
    EXPECT_GE(plan.times.measure, kShortestWindow);
    EXPECT_LE(plan.times.measure, kLongestWindow);
    EXPECT_EQ(plan.times.warm, plan.times.measure / kWarmShare);
  }
}

TEST(Budget, IsUsed) {
  for (const unsigned cpus : kMachines) {
    const Plan plan = make_plan(request(cpus));
    const bool nothing_to_add =
        plan.times.measure == kLongestWindow && plan.cpu_counts == octave_counts(cpus);
    EXPECT_TRUE(nothing_to_add || plan.expected > 3min * 9 / 10)
        << cpus << " CPUs: " << testing::PrintToString(plan);
  }
}

TEST(Budget, ASmallMachineGetsEverything) {
  const Plan plan = make_plan(request(2));
  EXPECT_THAT(plan.cpu_counts, ElementsAre(1, 2));
  EXPECT_EQ(plan.repetitions, kWantedRepetitions);
  EXPECT_EQ(plan.times.measure, kLongestWindow);
}

// What is given up, in order: counts, window, repetitions, window, repetitions.
TEST(Budget, GivesUpTheLeastImportantFirst) {
  struct Row {
    nanoseconds budget;
    std::size_t counts;
    unsigned repetitions;
    nanoseconds least;
    nanoseconds most;
  };
  // 15 cases on 16 CPUs; a full set of windows costs 15 * counts * repetitions * (1.25 * window + about 2.4
  // ms).
  const Row rows[] = {
      {20min, 16, 9, kLongestWindow, kLongestWindow},  // 16 counts of 315 ms: 681 s
      {3min, 16, 9, 50ms, 100ms},                      // not below 50 ms: 140 s
      {2min, 12, 9, 50ms, 100ms},                      // 4 per octave
      {80s, 8, 9, 50ms, 100ms},                        // 2 per octave
      {45s, 5, 9, 50ms, 60ms},                         // 1 per octave
      {40s, 5, 7, 50ms, 70ms},                         //
      {30s, 5, 5, 50ms, 70ms},                         //
      {15s, 5, 5, 20ms, 50ms},                         //
      {7s, 5, 3, 20ms, 30ms},                          //
  };
  for (const Row& row : rows) {
    const Plan plan = make_plan(request(16, row.budget));
    SCOPED_TRACE(testing::PrintToString(plan));
    EXPECT_LE(plan.expected, row.budget);
    EXPECT_EQ(plan.cpu_counts.size(), row.counts);
    EXPECT_EQ(plan.repetitions, row.repetitions);
    EXPECT_GE(plan.times.measure, row.least);
    EXPECT_LE(plan.times.measure, row.most);
  }
}

TEST(Budget, MoreTimeNeverMeansLess) {
  for (const unsigned cpus : kMachines) {
    Plan last = make_plan(request(cpus, 1s));
    for (nanoseconds budget = 1s; budget < 2h; budget = budget * 11 / 10) {
      const Plan plan = make_plan(request(cpus, budget));
      EXPECT_GE(plan.cpu_counts.size(), last.cpu_counts.size()) << cpus << " CPUs, " << budget / 1s << " s";
      EXPECT_GE(plan.repetitions, last.repetitions) << cpus << " CPUs, " << budget / 1s << " s";
      if (plan.cpu_counts.size() == last.cpu_counts.size() && plan.repetitions == last.repetitions) {
        EXPECT_GE(plan.times.measure, last.times.measure) << cpus << " CPUs, " << budget / 1s << " s";
      }
      last = plan;
    }
    EXPECT_EQ(last.repetitions, kWantedRepetitions);
  }
}

TEST(Budget, WhatIsGivenIsKept) {
  BudgetRequest fixed = request(384);
  fixed.cpu_counts = {{1, 7, 384}};
  fixed.window = 123ms;
  fixed.warm = 45ms;
  fixed.repetitions = 11;
  const Plan plan = make_plan(fixed);
  EXPECT_THAT(plan.cpu_counts, ElementsAre(1, 7, 384));
  EXPECT_EQ(plan.times.measure, 123ms);
  EXPECT_EQ(plan.times.warm, 45ms);
  EXPECT_EQ(plan.repetitions, 11u);
  EXPECT_EQ(plan.expected, time_of(plan, 15));
}

TEST(Budget, TheRestMakesRoomForWhatIsGiven) {
  BudgetRequest long_windows = request(384);
  long_windows.window = 10s;
  const Plan few = make_plan(long_windows);
  EXPECT_EQ(few.times.measure, 10s);
  EXPECT_EQ(few.repetitions, kLeastRepetitions);
  EXPECT_THAT(few.cpu_counts, ElementsAre(1, 384));
  EXPECT_GT(few.expected, 3min) << "a budget does not overrule what was asked for";

  BudgetRequest long_warm_up = request(16);
  long_warm_up.warm = 60ms;
  const Plan plan = make_plan(long_warm_up);
  EXPECT_EQ(plan.times.warm, 60ms);
  EXPECT_LE(plan.expected, 3min);

  BudgetRequest many = request(16);
  many.repetitions = 30;
  EXPECT_LE(make_plan(many).expected, 3min);
  EXPECT_EQ(make_plan(many).repetitions, 30u);
}

// Cases need not be equally many at every count.
TEST(Budget, CountsTheCasesThatThereAre) {
  BudgetRequest uneven = request(16, 2min);
  uneven.cases = [](const std::vector<unsigned>& counts) {
    // One case at each count, and forty more on all CPUs.
    std::vector<CaseTime> times = per_count(1)(counts);
    times.insert(times.end(), 40, CaseTime{16});
    return times;
  };
  const Plan plan = make_plan(uneven);
  nanoseconds sum{};
  for (const CaseTime& one : uneven.cases(plan.cpu_counts))
    sum += plan.repetitions * (plan.times.warm + plan.times.measure + window_overhead(one.cpus));
  EXPECT_EQ(plan.expected, sum);
  EXPECT_LE(plan.expected, 2min);
  EXPECT_GT(plan.expected, 2min * 9 / 10);
}

// One case of which no window is shorter than 5 s, however many others want the time.
TEST(Budget, KnowsWindowsThatTakeLonger) {
  BudgetRequest slow = request(64);
  slow.cases = [](const std::vector<unsigned>& counts) {
    std::vector<CaseTime> times = per_count(15)(counts);
    times.push_back({64, 5s});
    return times;
  };
  const Plan plan = make_plan(slow);
  EXPECT_EQ(plan.expected, time_of(plan, 15) + plan.repetitions * (5s + window_overhead(64)));
  EXPECT_LE(plan.expected, 3min);
  EXPECT_GT(plan.expected, 3min * 9 / 10);
}

TEST(Budget, AtLastOneCountForManyDoublings) {
  EXPECT_THAT(octave_counts(4096, 1, 4), ElementsAre(1, 16, 256, 4096));
  EXPECT_THAT(octave_counts(1000, 1, 2), ElementsAre(1, 4, 16, 64, 256, 1000));
  EXPECT_THAT(octave_counts(3, 1, 32), ElementsAre(1, 3));
  EXPECT_THAT(octave_counts(1, 1, 32), ElementsAre(1));
}

TEST(Budget, NothingToMeasureTakesNoTime) {
  BudgetRequest nothing = request(16);
  nothing.cases = [](const std::vector<unsigned>&) { return std::vector<CaseTime>(); };
  EXPECT_EQ(make_plan(nothing).expected, 0ns);
}

TEST(Budget, AnImpossibleOneGetsTheSmallestPlan) {
  for (const nanoseconds budget : {1ns, nanoseconds(1s)}) {
    const Plan plan = make_plan(request(4096, budget));
    EXPECT_EQ(plan.cpu_counts, octave_counts(4096, 1, 32));
    EXPECT_EQ(plan.repetitions, kLeastRepetitions);
    EXPECT_EQ(plan.times.measure, kShortestWindow);
    EXPECT_GT(plan.expected, budget);
  }
}

}  // namespace
}  // namespace mmscale::campaign
