// SPDX-License-Identifier: MIT
#include "cli/assessment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mmscale::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Nine windows about `ns`, as far from it as `by`.
Figure about(double ns, double by) {
  const std::vector<double> values = {ns - by, ns - by, ns - by, ns, ns, ns, ns + by, ns + by, ns + by};
  return figure_of(values);
}
Figure of(std::vector<double> values) { return figure_of(values); }

// 192 CPUs where a switch of threads takes 3.21 us, and a recording of ten seconds that borrows 50,000 times a second.
Assessment assessment(const Figure& sharing, const Figure& mm_count) {
  Assessment a;
  a.all_cpus = a.online_cpus = 192;
  a.points.push_back({.cpus = 192,
                      .threads = about(3210, 10),
                      .processes = about(3170, 10),
                      .sharing = sharing,
                      .mm_count = mm_count,
                      .shootdown = about(30, 4),
                      .hazptr = about(0, 9),
                      .instructions = about(0, 0),
                      .planted = {}});
  a.workload = Workload{.name = "trace.dat",
                        .unavailable = {},
                        .seconds = 10,
                        .cpus = 192,
                        .switches = 2'000'000,
                        .borrows = 500'000,
                        .deaths = 10};
  return a;
}

TEST(Assessment, SaysWhatSharingCostsWhatOfItIsMmCountAndWhatThatIsOfAWorkload) {
  const Assessment a = assessment(about(41, 3), about(38, 4));
  const std::string words = in_words(a);
  EXPECT_THAT(
      words,
      HasSubstr("Sharing an mm costs 41 ns [38 ns, 44 ns] a switch with 192 CPUs here (threads 3.21 us "
                "[3.2 us, 3.22 us], processes 3.17 us [3.16 us, 3.18 us]).\n"
                "mm_count explains 38 ns [34 ns, 42 ns] of it"));
  EXPECT_THAT(
      words,
      HasSubstr("would give at most 1.4 %, as emulated 1.3 %, in a program that does nothing but switch.\n"));
  // 50,000 borrows, two switches each, of 42 ns, out of 192 CPUs: 0.0022 %.
  EXPECT_THAT(words,
              HasSubstr("mm_count takes at most 0.0022 %: it does not matter.\n"
                        "Shootdown would spare 0.0016 % of its CPU time, hazptr nothing that could be seen"));
}

TEST(Assessment, KeepsTheBoundAloneWhereTheEmulationSaysSomethingElse) {
  const Assessment a = assessment(about(400, 10), about(38, 4));
  EXPECT_EQ(agreement(a.points.front()), Agreement::disagree);
  EXPECT_THAT(in_words(a), HasSubstr("which is another figure"));
  EXPECT_THAT(in_words(a), HasSubstr("at most 15 % in a program that does nothing but switch.\n"));
  EXPECT_NEAR(workload_share(a).value(), 500'000 * 2 * 410e-9 / (10 * 192), 1e-9);
  EXPECT_THAT(in_words(a), Not(HasSubstr("Shootdown would spare")));
}

// What threads spare by sharing hides what they pay for it: no bound follows, whatever the emulation says.
TEST(Assessment, HasNoBoundWhereSharingIsAGain) {
  for (const Figure& mm_count : {about(10, 30), about(-245, 30)}) {
    const Assessment a = assessment(about(-250, 10), mm_count);
    EXPECT_THAT(in_words(a),
                HasSubstr("Sharing an mm costs nothing that could be seen: -250 ns [-260 ns, -240 ns]"));
    EXPECT_THAT(in_words(a), HasSubstr("Threads switch faster"));
    EXPECT_EQ(agreement(a.points.front()), Agreement::disagree);
    EXPECT_EQ(most_gain(a.points.front()), std::nullopt);
    EXPECT_THAT(in_words(a), HasSubstr("at most 0.17 %, were it all of a switch"));
  }
}

// The emulated figure may be nothing, too.
TEST(Assessment, CannotTellWhereWhatIsEmulatedMayBeNothing) {
  const Assessment a = assessment(about(200, 100), about(65, 85));
  EXPECT_EQ(agreement(a.points.front()), Agreement::cannot_tell);
  // All that sharing costs, not what the emulation is sure to stay below.
  EXPECT_NEAR(most_gain(a.points.front()).value(), 300.0 / (3200 - 300), 1e-9);
}

// Wide intervals meet everything: that is no agreement.
TEST(Assessment, CannotTellWhereWhatIsSeenMayBeNothing) {
  for (const Figure& mm_count : {about(100, 60), about(0, 40), about(-20, 10)}) {
    const Assessment a = assessment(about(-400, 1200), mm_count);
    EXPECT_EQ(agreement(a.points.front()), Agreement::cannot_tell);
    EXPECT_THAT(in_words(a), HasSubstr("cannot tell that from nothing"));
    EXPECT_EQ(to_json(a)["points"][0]["agreement"], "cannot_tell");
    // The bound, of 800 ns, and not the emulation's figure.
    EXPECT_NEAR(most_gain(a.points.front()).value(), 800.0 / (3200 - 800), 1e-9);
    const double emulated = std::max(mm_count.interval->high, 0.0);
    EXPECT_NEAR(emulated_gain(a.points.front()).value(), emulated / (3200 - emulated), 1e-9);
    EXPECT_NEAR(workload_share(a).value(), 500'000 * 2 * 800e-9 / (10 * 192), 1e-9);
    EXPECT_THAT(in_words(a), Not(HasSubstr("Shootdown would spare")));
  }
}

// Whatever the windows, the bound holds what sharing costs, and no more than their spread beside it.
TEST(Assessment, BoundIsNotBelowTheCostNorFarAboveIt) {
  for (const double cost : {5.0, 40.0, 300.0, 2500.0})
    for (const double spread : {0.0, 0.1, 0.5}) {
      const Assessment a = assessment(about(cost, cost * spread), about(cost, cost * spread));
      const double most = cost * (1 + spread);
      EXPECT_NEAR(bound(a.points.front()).value(), most, 1e-9);
      const auto gain = most_gain(a.points.front());
      if (most > 3200 * 0.9) {
        EXPECT_EQ(gain, std::nullopt);
        EXPECT_THAT(in_words(a), HasSubstr("nobody can tell"));
        continue;
      }
      EXPECT_GE(gain.value(), cost / (3210 - cost));
      EXPECT_LE(gain.value(), most / (3200 - most) * 1.000001);
    }
}

// The emulation stands beside the bound where it is finer, and a cost that was planted is found or not.
TEST(Assessment, SaysNothingOfAnEmulationOrAPlantThatCannotBeSeen) {
  EXPECT_THAT(in_words(assessment(about(41, 3), about(38, 40))), Not(HasSubstr("as emulated 2")));
  EXPECT_THAT(in_words(assessment(about(41, 3), about(38, 4))), HasSubstr("as emulated 1.3 %"));
  Assessment a = assessment(about(41, 3), about(38, 4));
  a.planted_ns = 50;
  for (const auto& [found, said] :
       {std::pair(about(52, 5), "192 CPUs: 52 ns [47 ns, 57 ns]."),
        std::pair(about(52, 90), "192 CPUs: nothing that could be seen, 52 ns [")}) {
    a.points.front().planted = found;
    EXPECT_THAT(in_words(a), HasSubstr(said));
  }
}

// Threads may take the least that their windows say, and mm_count's own instructions are spared with an mm each, too.
TEST(Assessment, BoundHoldsForTheShortestSwitchAndWithTheInstructionsThatProcessesSpendToo) {
  Assessment a = assessment(about(300, 100), about(300, 100));
  SwitchPoint& point = a.points.front();
  point.threads = about(3210, 1210);
  point.instructions = about(12, 8);
  EXPECT_NEAR(bound(point).value(), 420, 1e-9);
  EXPECT_NEAR(most_gain(point).value(), 420.0 / (2000 - 420), 1e-9);
  EXPECT_NEAR(workload_share(a).value(), 500'000 * 2 * 420e-9 / (10 * 192), 1e-9);
  EXPECT_THAT(in_words(a), Not(HasSubstr("own instructions")));
  point.instructions = of({});
  EXPECT_NEAR(bound(point).value(), 400, 1e-9);
  EXPECT_THAT(in_words(a),
              HasSubstr("mm_count's own instructions, which processes spend, too, are not in that"));
}

// Emulated more than all of it is not "not only".
TEST(Assessment, SaysWhichOfTwoThatDoNotMeetIsMore) {
  EXPECT_THAT(in_words(assessment(about(41, 3), about(300, 20))),
              AllOf(HasSubstr("more than all that sharing costs here"), Not(HasSubstr("not only"))));
  EXPECT_THAT(in_words(assessment(about(400, 10), about(38, 4))),
              AllOf(HasSubstr("not only, mm_count"), Not(HasSubstr("more than all"))));
}

// Counts that are too low, and CPUs that nobody measured, bound nothing; no recording spends more than all of its time.
TEST(Assessment, HasNoShareOfARecordingWithLostEventsOrMoreCpusThanHereOrOfMoreThanAll) {
  struct Recording {
    double seconds;
    unsigned cpus;
    std::uint64_t lost;
    std::string said;
  };
  for (const auto& [seconds, cpus, lost, said] : std::vector<Recording>{
           {10, 192, 3, "unknown: its tracer lost 3 events or more"},
           {10, 384, 0, "unknown: it has 384 CPUs, and what a switch takes was measured with 192."},
           {1e-6, 192, 0, "that is, is unknown.\n"}}) {
    Assessment a = assessment(about(41, 3), about(38, 4));
    a.workload->seconds = seconds;
    a.workload->cpus = cpus;
    a.workload->lost = lost;
    a.interrupt_running = about(1500, 500);
    EXPECT_EQ(workload_share(a), std::nullopt);
    EXPECT_THAT(in_words(a), AllOf(HasSubstr(said), Not(HasSubstr("at most 0.00"))));
    EXPECT_FALSE(to_json(a)["workload"].contains("most_cpu_share"));
  }
}

TEST(Assessment, SaysThatItIsOfThoseCpusThatMayBeUsed) {
  Assessment a = assessment(about(41, 3), about(38, 4));
  EXPECT_THAT(in_words(a), Not(HasSubstr("may be used")));
  a.online_cpus = 384;
  EXPECT_THAT(in_words(a), HasSubstr("Of 384 CPUs 192 may be used here at a time"));
}

TEST(Assessment, SaysWhatShootdownSpendsOnInterrupts) {
  Assessment a = assessment(about(41, 3), about(38, 4));
  EXPECT_THAT(in_words(a), Not(HasSubstr("Shootdown would interrupt")));
  a.workload->interrupts = 40;
  a.interrupt_running = about(1500, 500);
  // Who sends and who is interrupted, 2 us each, 40 times in 10 s of 192 CPUs.
  EXPECT_NEAR(interrupts_share(a).value(), 40 * 4e-6 / 1920, 1e-12);
  EXPECT_THAT(in_words(a), HasSubstr("Shootdown would interrupt 4 CPUs a second at deaths: at most"));
}

TEST(Assessment, SaysThatWindowsWereTakenThatDoNotCount) {
  Assessment a = assessment(about(41, 3), about(38, 4));
  EXPECT_THAT(in_words(a), Not(HasSubstr("do not count")));
  a.accepts_invalid = true;
  EXPECT_THAT(in_words(a), HasSubstr("Windows that do not count were taken, too"));
}

// POWER's kernels shoot down: what sharing costs there is nothing that a scheme could spare.
TEST(Assessment, SaysOfAKernelThatCountsNothingWhatCountingWouldCost) {
  Assessment a = assessment(about(41, 3), about(38, 4));
  a.points.front().counted = false;
  EXPECT_EQ(agreement(a.points.front()), Agreement::unknown);
  EXPECT_EQ(bound(a.points.front()), std::nullopt);
  EXPECT_EQ(emulated_gain(a.points.front()), std::nullopt);
  EXPECT_THAT(
      in_words(a),
      AllOf(HasSubstr("counts nothing, so that is not mm_count. Counting would cost 38 ns [34 ns, 42 ns]"),
            HasSubstr("Of its CPU time counting would take at most 0.0022 %: it does not matter.\n"),
            Not(HasSubstr("would give")), Not(HasSubstr("would spare"))));
  a.points.front().counted = true;
  a.kernel_lazy_tlb = "unknown: no config";
  EXPECT_THAT(in_words(a), HasSubstr("taken for granted (unknown: no config)"));
}

TEST(Assessment, PrintsNoPowersOfTen) {
  for (const auto& [ns, said] : {std::pair(999.4, "threads 999 ns"), std::pair(999.6, "threads 1 us"),
                                 std::pair(999.6e3, "threads 1 ms"), std::pair(-999.6e6, "threads -1 s")}) {
    Assessment a = assessment(about(41, 3), about(38, 4));
    a.points.front().threads = about(ns, 0);
    EXPECT_THAT(in_words(a), HasSubstr(said));
  }
  // Of the time of 192 CPUs, the longer the less.
  for (const auto& [seconds, said] :
       {std::pair(10.0, "at most 0.0022 %"), std::pair(0.0221, "at most 0.99 %"),
        std::pair(0.000219876, "at most 99 %"), std::pair(1500.0, "at most 0.000015 %")}) {
    Assessment a = assessment(about(41, 3), about(38, 4));
    a.workload->seconds = seconds;
    EXPECT_THAT(in_words(a), HasSubstr(said));
  }
}

// What a scheme costs more is not spared.
TEST(Assessment, SaysThatASchemeSparesLessThanNothing) {
  Assessment a = assessment(about(41, 3), about(38, 4));
  a.points.front().hazptr = about(-20, 4);
  EXPECT_THAT(in_words(a), HasSubstr("hazptr -0.0010 %, less what"));
}

// A bound of more than a switch is that of a switch.
TEST(Assessment, HoldsMmCountForNoMoreThanAllOfASwitch) {
  const Assessment a = assessment(about(2000, 90'000), about(38, 40));
  EXPECT_EQ(most_gain(a.points.front()), std::nullopt);
  EXPECT_NEAR(workload_share(a).value(), 500'000 * 2 * 3220e-9 / (10 * 192), 1e-9);
  EXPECT_THAT(in_words(a), HasSubstr("at most 0.17 %, were it all of a switch"));
}

// Below five pairs no interval holds the median with 90 %.
TEST(Assessment, SaysNothingOfSharingFromAFewPairsButBoundsAWorkloadByAWholeSwitch) {
  for (const Figure& few : {of({}), of({-249}), of({40, 41, 42, 43})}) {
    const Assessment a = assessment(few, about(38, 4));
    EXPECT_EQ(agreement(a.points.front()), Agreement::unknown);
    EXPECT_EQ(most_gain(a.points.front()), std::nullopt);
    EXPECT_THAT(in_words(a), HasSubstr("What sharing an mm costs with 192 CPUs is unknown: too few pairs"));
    EXPECT_THAT(in_words(a), Not(HasSubstr("Sharing an mm costs")));
    // Of 3,220 ns.
    EXPECT_THAT(in_words(a), HasSubstr("at most 0.17 %, were it all of a switch: it does not matter.\n"));
  }
  EXPECT_NE(agreement(assessment(of({40, 41, 42, 43, 44}), about(38, 4)).points.front()), Agreement::unknown);
}

TEST(Assessment, HasNoShareWithoutASwitchOfThreads) {
  Assessment a = assessment(of({}), of({}));
  a.points.front().threads = of({3210});
  EXPECT_EQ(workload_share(a), std::nullopt);
  EXPECT_THAT(in_words(a), HasSubstr("What of its CPU time that is, is unknown.\n"));
}

}  // namespace
}  // namespace mmscale::cli
