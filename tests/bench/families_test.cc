// SPDX-License-Identifier: MIT
//
// Names and numbers of the cases of each family, and what mix concludes. On a machine of two packages with
// two cores each; nothing is run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bench/families.h"
#include "bench/line_sample.h"
#include "campaign/google.h"
#include "support/records.h"
#include "topology/topology.h"

namespace mmscale::bench {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Family& family(std::string_view name) {
  for (const Family& f : families())
    if (f.name == name) return f;
  throw std::invalid_argument(std::string(name));
}

Choice choice(std::vector<unsigned> cpu_counts) {
  Choice choice;
  choice.schemes = {"refcount", "shootdown"};
  choice.workloads = {"idle"};
  choice.sharings = {topology::parse_sharing("all")};
  choice.placements = {topology::parse_placement("compact")};
  choice.cpu_counts = std::move(cpu_counts);
  choice.transport = "doorbell";
  choice.transports = {"doorbell", "signal"};
  choice.exits_per_million = {0, 100};
  return choice;
}

std::vector<std::string> names(std::string_view of, const Choice& choice,
                               const char* machine = "pack:2 core:2 pu:1") {
  const auto topology = topology::Topology::synthetic(machine);
  std::vector<std::string> names;
  for (const Case& c : family(of).cases(topology.layout(), choice)) names.push_back(c.name);
  return names;
}

TEST(Families, ByDefaultTheQuestionAndItsFloor) {
  for (const Family& f : families())
    EXPECT_EQ(f.by_default, f.name == "switch" || f.name == "floor") << f.name;
}

TEST(Families, OneThatNeedsTwoCpusHasNoCaseOnOne) {
  for (const Family& f : families())
    EXPECT_EQ(names(f.name, choice({1})).empty(), f.least_cpus > 1) << f.name;
}

TEST(Teardown, BorrowersFromNoneToAllOthersThenTheMaskAlone) {
  Choice one = choice({4});
  one.schemes = {"shootdown"};
  EXPECT_THAT(names("teardown", one),
              ElementsAre("teardown/shootdown/compact/cpus:4/borrowers:0",
                          "teardown/shootdown/compact/cpus:4/borrowers:1",
                          "teardown/shootdown/compact/cpus:4/borrowers:2",
                          "teardown/shootdown/compact/cpus:4/borrowers:3",
                          "teardown/shootdown/compact/cpus:4/borrowers:0/mask_only:3"));
}

TEST(Mix, EverySchemeAtEveryExitRate) {
  Choice signal = choice({2});
  signal.transport = "signal";
  signal.transports = {"signal"};
  EXPECT_THAT(names("mix", signal), ElementsAre("mix/refcount/all/compact/cpus:2/exits_per_million:0",
                                                "mix/shootdown/all/compact/cpus:2/exits_per_million:0",
                                                "mix/refcount/all/compact/cpus:2/exits_per_million:100",
                                                "mix/shootdown/all/compact/cpus:2/exits_per_million:100"));
}

// Once more at the most CPUs, with interrupts that are free, unless a transport was asked for.
TEST(Mix, TwoTransportsBracketTheKernels) {
  Choice both = choice({2, 4});
  both.schemes = {"shootdown"};
  both.transport = "signal";
  both.exits_per_million = {10};
  EXPECT_THAT(names("mix", both),
              ElementsAre("mix/shootdown/all/compact/cpus:2/exits_per_million:10",
                          "mix/shootdown/all/compact/cpus:4/exits_per_million:10",
                          "mix/shootdown/all/compact/cpus:4/exits_per_million:10/transport:doorbell"));
}

TEST(Ipi, EveryTransportAtEveryNumberOfTargets) {
  EXPECT_THAT(names("ipi", choice({2, 4})),
              ElementsAre("ipi/doorbell/compact/cpus:2/targets:1", "ipi/signal/compact/cpus:2/targets:1",
                          "ipi/doorbell/compact/cpus:4/targets:1", "ipi/signal/compact/cpus:4/targets:1",
                          "ipi/doorbell/compact/cpus:4/targets:2", "ipi/signal/compact/cpus:4/targets:2",
                          "ipi/doorbell/compact/cpus:4/targets:3", "ipi/signal/compact/cpus:4/targets:3"));
}

TEST(Line, OnceAtTheLargestCount) {
  EXPECT_THAT(names("line", choice({1, 2, 4})), ElementsAre("line/cas/compact/cpus:4"));
}

TEST(Line, ASampleOfALargeMachine) {
  Choice large = choice({384});
  EXPECT_THAT(names("line", large, "pack:2 core:96 pu:2"), ElementsAre("line/cas/compact/cpus:64"));
  large.line_pus = 384;
  EXPECT_THAT(names("line", large, "pack:2 core:96 pu:2"), ElementsAre("line/cas/compact/cpus:384"));
}

// Nothing was visited: a number of a pair takes four characters more than the null that stands there then.
TEST(Line, NineWindowsOf384PusAreBelowTenMegabytes) {
  const auto topology = topology::Topology::synthetic("pack:2 core:96 pu:2");
  Choice large = choice({384});
  large.line_pus = 384;
  large.home_node = 0;
  const Case line = family("line").cases(topology.layout(), large).at(0);
  const auto load = line.make_load(line.subject);
  const auto findings = dynamic_cast<const measure::SelfMeasuring&>(*load).findings({});
  const auto& matrix = findings.details->at("matrix");
  ASSERT_EQ(matrix.at("pairs_ns").size(), 384u);
  EXPECT_EQ(matrix.at("pairs_ns")[382].size(), 1u);
  EXPECT_EQ(matrix.at("pairs_distance")[382], "b");
  EXPECT_EQ(matrix.at("distances").at("b"), "smt-sibling");
  constexpr std::size_t kPairs = 384 * 383 / 2;
  EXPECT_LT(9 * (matrix.dump().size() + 4 * kPairs), 10'000'000u);
}

TEST(Explorer, BothWaysToSearchAtEveryCount) {
  EXPECT_THAT(names("explorer", choice({1, 2})),
              ElementsAre("explorer/stateless/compact/cpus:1", "explorer/remembering/compact/cpus:1",
                          "explorer/stateless/compact/cpus:2", "explorer/remembering/compact/cpus:2"));
}

TEST(LineSample, AllWhereThereAreFew) {
  std::vector<unsigned> pus(64);
  for (unsigned i = 0; i < pus.size(); ++i) pus[i] = 3 * i;
  EXPECT_EQ(line_sample(pus, 64), pus);
}

TEST(LineSample, NeighboursAtEqualDistances) {
  for (unsigned n = 65; n < 700; n += 7) {
    std::vector<unsigned> pus(n);
    for (unsigned i = 0; i < n; ++i) pus[i] = i;
    const auto sample = line_sample(pus, 64);
    ASSERT_EQ(sample.size(), 64u) << n;
    for (std::size_t i = 0; i < sample.size(); ++i) {
      if (i > 0) {
        EXPECT_LT(sample[i - 1], sample[i]) << n;
      }
      if (i % 2 == 0) {
        EXPECT_EQ(sample[i] % 2, 0u) << n;
      } else {
        EXPECT_EQ(sample[i], sample[i - 1] + 1) << n;
      }
    }
    EXPECT_LT(sample.back(), n);
    EXPECT_EQ(line_sample(pus, 64), sample) << "the same input, another sample";
  }
}

// A window of mix that cost `ns` a switch: rounds of two switches on each of two CPUs for 10 ms.
measure::Record mix_record(const std::string& scheme, double exits, double ns, unsigned repetition) {
  measure::Record record = test::switch_record(scheme, repetition);
  record.name = "mix";
  record.subject.family = "mix";
  record.subject.workload = "mix";
  for (measure::CpuWindow& cpu : record.window.cpus) {
    cpu.start_ns = 0;
    cpu.end_ns = 10'000'000;
    cpu.switches = static_cast<std::uint64_t>(10e6 / ns);
  }
  record.findings.put("exits_per_million", exits);
  return record;
}

std::vector<std::vector<measure::Record>> campaign(double refcount_at_10, double refcount_at_1000) {
  std::vector<std::vector<measure::Record>> results(4);
  for (unsigned repetition = 0; repetition < 3; ++repetition) {
    results[0].push_back(mix_record("shootdown", 10, 10, repetition));
    results[1].push_back(mix_record("refcount", 10, refcount_at_10, repetition));
    results[2].push_back(mix_record("shootdown", 1000, 100, repetition));
    results[3].push_back(mix_record("refcount", 1000, refcount_at_1000, repetition));
  }
  return results;
}

// 20 against 10 and 90 against 100: the differences are alike, so half-way of two decades.
TEST(MixConclusions, WhereRefcountBeginsToCostLess) {
  const auto results = campaign(20, 90);
  const auto conclusions = mix_conclusions(results);
  ASSERT_EQ(conclusions.size(), 1u);
  EXPECT_EQ(conclusions[0].name, "mix/crossover/refcount-vs-shootdown/all/compact/cpus:2");
  EXPECT_NEAR(conclusions[0].ns, 55, 0.1);
  const nlohmann::ordered_json json = to_json(conclusions[0]);
  EXPECT_EQ(json.at("run_type"), "aggregate");
  EXPECT_EQ(json.at("aggregate_name"), "crossover");
  EXPECT_NEAR(json.at("crossover_exits_per_million").get<double>(), 100, 1);
  EXPECT_NEAR(json.at("crossover_low").get<double>(), 100, 1);
  EXPECT_EQ(json.at("crossings"), 1);
  EXPECT_EQ(json.at("windows_least"), 3);
  EXPECT_EQ(json.at("mmscale").at("cheaper_below"), "shootdown");
  EXPECT_EQ(json.at("mmscale").at("cheaper_above"), "refcount");
  EXPECT_EQ(json.at("mmscale").at("sweep").size(), 2u);
  EXPECT_THAT(conclusions[0].text, HasSubstr("refcount costs less from"));
  EXPECT_THAT(conclusions[0].text, HasSubstr("% confidence; 3 of 3 windows beside it valid"));
}

TEST(MixConclusions, NoCrossover) {
  const auto results = campaign(20, 200);
  const auto conclusions = mix_conclusions(results);
  ASSERT_EQ(conclusions.size(), 1u);
  EXPECT_THAT(conclusions[0].text, HasSubstr("no crossover between refcount and shootdown from 10 to 1 k"));
  EXPECT_THAT(conclusions[0].text, HasSubstr("shootdown costs less throughout"));
  const nlohmann::ordered_json json = to_json(conclusions[0]);
  EXPECT_FALSE(json.contains("crossover_exits_per_million"));
  EXPECT_EQ(json.at("real_time"), 0);
  EXPECT_EQ(json.at("crossings"), 0);
}

TEST(MixConclusions, NothingValid) {
  auto results = campaign(20, 90);
  for (auto& repetitions : results)
    for (auto& record : repetitions) record = test::invalid(std::move(record), {"preempted"});
  const auto conclusions = mix_conclusions(results);
  ASSERT_EQ(conclusions.size(), 1u);
  EXPECT_THAT(conclusions[0].text, HasSubstr("nothing valid to compare"));
}

TEST(MixConclusions, OtherFamiliesAreNoneOfItsBusiness) {
  const std::vector<std::vector<measure::Record>> results = {{test::switch_record()}, {test::floor_record()}};
  EXPECT_THAT(mix_conclusions(results), IsEmpty());
}

}  // namespace
}  // namespace mmscale::bench
