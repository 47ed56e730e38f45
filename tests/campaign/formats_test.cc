// SPDX-License-Identifier: MIT
#include "campaign/formats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "support/records.h"

namespace mmscale::campaign {
namespace {

using measure::Record;
using test::floor_record;
using test::invalid;
using test::switch_record;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Medians over 1 and 3; the invalid window would be by far the fastest.
std::vector<std::vector<Record>> two_cases() {
  return {{switch_record("refcount", 0, 3, 1), invalid(switch_record("refcount", 1, 3, 90), {"preempted"}),
           switch_record("refcount", 2, 3, 3)},
          {invalid(floor_record(), {"preempted"})}};
}

TEST(Formats, LkpHasKeysAndNumbersOnly) {
  const std::regex form(R"([A-Za-z0-9_.-]+: -?[0-9][0-9.e+-]*)");
  for (const std::string& line : lines_of(lkp(two_cases())))
    EXPECT_TRUE(std::regex_match(line, form)) << line;
}

TEST(Formats, FiguresAreMediansOfValidWindows) {
  const std::string text = lkp(two_cases());
  EXPECT_THAT(text, HasSubstr("switch.idle.refcount.all.compact.cpus_2.switches_per_second: 1000000\n"));
  EXPECT_THAT(text, HasSubstr("switch.idle.refcount.all.compact.cpus_2.windows: 3\n"));
  EXPECT_THAT(text, HasSubstr("switch.idle.refcount.all.compact.cpus_2.valid_windows: 2\n"));
}

TEST(Formats, ACaseWithoutAValidWindowHasNoFigure) {
  for (const std::string& line : lines_of(lkp(two_cases())))
    EXPECT_TRUE(!line.starts_with("floor.") || line.find("windows: ") != std::string::npos) << line;
}

TEST(Formats, PrometheusHasEachMetricOnceWithItsType) {
  const std::regex sample(
      R"re(mmscale_[a-zA-Z0-9_]+\{[a-z]+="([^"\\\n]|\\.)*"(,[a-z]+="([^"\\\n]|\\.)*")*\} \S+)re");
  std::string metric;
  std::vector<std::string> seen;
  for (const std::string& line : lines_of(prometheus(two_cases()))) {
    if (line.starts_with("# TYPE ")) {
      metric = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_THAT(seen, Not(testing::Contains(metric)));
      seen.push_back(metric);
      EXPECT_TRUE(line.ends_with(" gauge"));
      continue;
    }
    EXPECT_TRUE(std::regex_match(line, sample)) << line;
    EXPECT_EQ(line.substr(0, line.find('{')), metric);
  }
  EXPECT_THAT(
      prometheus(two_cases()),
      HasSubstr("mmscale_valid_windows{case=\"switch/idle/refcount/all/compact/cpus:2\",family=\"switch\","
                "workload=\"idle\",scheme=\"refcount\",sharing=\"all\",placement=\"compact\","
                "lifecycle=\"powerpc\",cpus=\"2\"} 2\n"));
}

TEST(Formats, ALabelMayHoldAnything) {
  std::vector<std::vector<Record>> odd = {{switch_record()}};
  odd[0][0].name = "a \"b\"\\\nc";
  EXPECT_THAT(prometheus(odd), HasSubstr(R"(case="a \"b\"\\\nc")"));
}

}  // namespace
}  // namespace mmscale::campaign
