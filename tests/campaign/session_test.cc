// SPDX-License-Identifier: MIT
#include "campaign/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "machine/silicon/pool.h"
#include "topology/bind.h"

namespace mmscale::campaign {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> names(const std::vector<Case>& cases) {
  std::vector<std::string> names;
  for (const Case& c : cases) names.push_back(c.name);
  return names;
}

std::vector<Case> cases() {
  std::vector<Case> cases(4);
  cases[0].name = "switch/idle/refcount/all/compact/cpus:1";
  cases[1].name = "switch/idle/shootdown/all/compact/cpus:1";
  cases[2].name = "switch/exit/refcount/all/compact/cpus:12";
  cases[3].name = "floor/incdec/compact/cpus:1";
  return cases;
}

TEST(Filtered, KeepsTheOrderOfWhatMatches) {
  EXPECT_EQ(names(filtered(cases(), "")), names(cases()));
  EXPECT_EQ(names(filtered(cases(), "all")), names(cases()));
  EXPECT_THAT(names(filtered(cases(), "refcount")), ElementsAre("switch/idle/refcount/all/compact/cpus:1",
                                                                "switch/exit/refcount/all/compact/cpus:12"));
}

TEST(Filtered, IsARegularExpressionAnywhereInTheName) {
  EXPECT_THAT(names(filtered(cases(), "cpus:1$")),
              ElementsAre("switch/idle/refcount/all/compact/cpus:1",
                          "switch/idle/shootdown/all/compact/cpus:1", "floor/incdec/compact/cpus:1"));
  EXPECT_THAT(names(filtered(cases(), "^(floor|switch/exit)/")),
              ElementsAre("switch/exit/refcount/all/compact/cpus:12", "floor/incdec/compact/cpus:1"));
  EXPECT_THAT(filtered(cases(), "nothing"), IsEmpty());
}

TEST(Filtered, ALeadingMinusExcludes) {
  EXPECT_THAT(names(filtered(cases(), "-switch")), ElementsAre("floor/incdec/compact/cpus:1"));
}

TEST(Filtered, SaysWhatItCannotRead) {
  try {
    filtered(cases(), "cpus:(");
    ADD_FAILURE() << "was read";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("--benchmark_filter=cpus:(: "));
  }
}

// Variables of the environment, for one test.
class FlagsTest : public testing::Test {
 protected:
  void TearDown() override {
    for (const std::string& name : set_) unsetenv(name.c_str());
  }
  void environment(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }
  static GoogleFlags take(std::vector<std::string> arguments) { return GoogleFlags::take_from(arguments); }
  static std::string complaint(std::vector<std::string> arguments) {
    try {
      GoogleFlags::take_from(arguments);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "none";
  }

  std::vector<std::string> set_;
};

TEST_F(FlagsTest, Defaults) {
  const GoogleFlags flags = take({});
  EXPECT_EQ(flags.filter, "");
  EXPECT_EQ(flags.format, "console");
  EXPECT_EQ(flags.out, "");
  EXPECT_EQ(flags.out_format, "json");
  EXPECT_FALSE(flags.list_tests);
  EXPECT_FALSE(flags.file_aggregates_only);
  EXPECT_FALSE(flags.display_aggregates_only);
  EXPECT_EQ(flags.repetitions, 0u);
  EXPECT_THAT(flags.raw, IsEmpty());
}

TEST_F(FlagsTest, TakesItsOwnAndLeavesTheRest) {
  std::vector<std::string> arguments = {"--cpus", "--benchmark_filter=a=b", "2", "--benchmark_repetitions=4",
                                        "--bench"};
  const GoogleFlags flags = GoogleFlags::take_from(arguments);
  EXPECT_THAT(arguments, ElementsAre("--cpus", "2", "--bench"));
  EXPECT_EQ(flags.filter, "a=b");
  EXPECT_EQ(flags.repetitions, 4u);
}

TEST_F(FlagsTest, HandsOnWhatIsGoogleBenchmarksToDo) {
  const GoogleFlags flags = take({"--benchmark_min_time=1", "--benchmark_filter=x", "--benchmark_out=f",
                                  "--benchmark_out_format=csv", "--benchmark_format=json",
                                  "--benchmark_list_tests", "--benchmark_enable_random_interleaving=false"});
  EXPECT_THAT(flags.raw,
              ElementsAre("--benchmark_min_time=1", "--benchmark_enable_random_interleaving=false"));
  EXPECT_EQ(flags.out, "f");
  EXPECT_EQ(flags.out_format, "csv");
  EXPECT_EQ(flags.format, "json");
  EXPECT_TRUE(flags.list_tests);
}

TEST_F(FlagsTest, TruthIsAsGoogleBenchmarkReadsIt) {
  for (const char* yes : {"", "=true", "=1", "=yes", "=on"})
    EXPECT_TRUE(take({std::string("--benchmark_list_tests") + yes}).list_tests) << yes;
  for (const char* no : {"=false", "=0", "=no", "=off", "=f", "=n"})
    EXPECT_FALSE(take({std::string("--benchmark_list_tests") + no}).list_tests) << no;
}

TEST_F(FlagsTest, AggregatesOnly) {
  const GoogleFlags report = take({"--benchmark_report_aggregates_only"});
  EXPECT_TRUE(report.file_aggregates_only);
  EXPECT_TRUE(report.display_aggregates_only);
  const GoogleFlags display = take({"--benchmark_display_aggregates_only=true"});
  EXPECT_FALSE(display.file_aggregates_only);
  EXPECT_TRUE(display.display_aggregates_only);
}

TEST_F(FlagsTest, TheEnvironmentStandsInForWhatIsNotGiven) {
  environment("BENCHMARK_FILTER", "refcount");
  environment("BENCHMARK_FORMAT", "csv");
  environment("BENCHMARK_REPETITIONS", "7");
  environment("BENCHMARK_OUT", "x.json");
  environment("BENCHMARK_LIST_TESTS", "true");
  const GoogleFlags flags = take({"--benchmark_filter=shootdown"});
  EXPECT_EQ(flags.filter, "shootdown") << "what is given wins";
  EXPECT_EQ(flags.format, "csv");
  EXPECT_EQ(flags.repetitions, 7u);
  EXPECT_EQ(flags.out, "x.json");
  EXPECT_TRUE(flags.list_tests);
}

TEST_F(FlagsTest, SayWhatTheyCannotRead) {
  EXPECT_EQ(complaint({"--benchmark_format=xml"}), "--benchmark_format=xml: there are console, json, csv");
  EXPECT_EQ(complaint({"--benchmark_out_format=tsv"}),
            "--benchmark_out_format=tsv: there are console, json, csv");
  for (const std::string bad : {"x", "0", "-1", "", "3x", "1000001", "99999999999999999999"})
    EXPECT_EQ(complaint({"--benchmark_repetitions=" + bad}),
              "--benchmark_repetitions=" + bad + ": a number from 1 to 1000000");
  environment("BENCHMARK_FORMAT", "yaml");
  EXPECT_EQ(complaint({}), "--benchmark_format=yaml: there are console, json, csv");
}

// Spins for good, or counts.
class Spinner final : public workload::Load {
 public:
  explicit Spinner(bool for_good) : for_good_(for_good) {}
  unsigned cpus() const override { return 1; }
  void boot(unsigned, unsigned) override {}
  bool run(unsigned, std::uint64_t rounds) override {
    for (std::uint64_t i = 0; for_good_ || i < rounds; ++i) spins_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  void finish(unsigned) override {}
  void stop(unsigned) override {}
  std::uint32_t switches_per_round(unsigned) const override { return 1; }
  kernel::Tally tally(unsigned) const override { return {}; }
  std::vector<std::string> audit() override { return {}; }

 private:
  const bool for_good_;
  std::atomic<std::uint64_t> spins_{0};
};

// Whatever becomes of a case, it is named and marked, the others are measured, and there is a table.
TEST(RunSession, NoCaseTakesTheCampaignWithIt) {
  using namespace std::chrono_literals;
  const topology::Topology topology = topology::Topology::host();
  machine::silicon::Pool pool(topology);
  measure::Bench bench{topology, pool, {}, 200ms};
  const unsigned pu = topology::list(topology.layout(), &topology::Pu::allowed).back();
  SessionSetup setup;
  setup.times = {.warm = 1ms, .measure = 1ms};
  setup.repetitions = 3;
  const auto add = [&](std::string name) -> Case& {
    Case& c = setup.cases.emplace_back();
    c.name = std::move(name);
    c.subject.pus = {pu};
    return c;
  };
  add("spins/for-good").make_load = [](const auto&) { return std::make_unique<Spinner>(true); };
  add("cpu/gone").ask = [](const measure::Bench&, const measure::WindowTimes&) -> host::Answer {
    throw topology::BindError("cannot bind to CPU 7: it is offline");
  };
  add("process/killed").ask = [](const measure::Bench&, const measure::WindowTimes&) -> host::Answer {
    throw host::CastError("process 8 of the window was killed by signal 9");
  };
  add("process/stuck").ask = [](const measure::Bench&, const measure::WindowTimes&) -> host::Answer {
    throw topology::StuckError("1 of 2 threads did not come back from a window");
  };
  add("good").make_load = [](const auto&) { return std::make_unique<Spinner>(false); };

  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const Outcome outcome = run_session(bench, std::move(setup));
  const std::string table = testing::internal::GetCapturedStdout();
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(outcome, Outcome::nothing_valid);
  // Who is stuck is not asked again.
  for (const char* line : {"spins/for-good +no valid window .* 0/1\n", "cpu/gone +no valid window .* 0/3\n",
                           "process/killed +no valid window .* 0/3\n",
                           "process/stuck +no valid window .* 0/1\n", "good +[^\n]+ [0-3]/3\n"})
    EXPECT_THAT(table, testing::ContainsRegex(line));
  for (const char* line :
       {"mmscale: spins/for-good: given up: stuck: after 0 s 1 of its threads had not come back: those on "
        "CPU",
        "mmscale: process/stuck: given up: stuck: 1 of 2 threads did not come back from a window\n",
        "invalid: cannot bind to CPU 7: it is offline\n",
        "invalid: process 8 of the window was killed by signal 9\n"})
    EXPECT_THAT(said, testing::HasSubstr(line));
}

}  // namespace
}  // namespace mmscale::campaign
