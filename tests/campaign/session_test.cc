// SPDX-License-Identifier: MIT
#include "campaign/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>

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

}  // namespace
}  // namespace mmscale::campaign
