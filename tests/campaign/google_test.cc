// SPDX-License-Identifier: MIT
#include "campaign/google.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/records.h"

namespace mmscale::campaign {
namespace {

using measure::Record;
using nlohmann::ordered_json;
using test::floor_record;
using test::invalid;
using test::switch_record;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::IsEmpty;
using GoogleRun = benchmark::BenchmarkReporter::Run;

std::string golden(const std::string& name) {
  std::ifstream file(std::string(MMSCALE_TESTDATA) + "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

// Equal but for the last digits of numbers, which are the compiler's; names in the same order.
void expect_same(const ordered_json& got, const ordered_json& wanted, const std::string& where = "") {
  if (wanted.is_number_float()) {
    ASSERT_TRUE(got.is_number()) << where;
    EXPECT_NEAR(got.get<double>(), wanted.get<double>(), 1e-12 * std::abs(wanted.get<double>())) << where;
  } else if (wanted.is_structured()) {
    ASSERT_EQ(got.type(), wanted.type()) << where;
    ASSERT_EQ(got.size(), wanted.size()) << where << ": " << got.dump(2);
    auto other = got.items().begin();
    for (const auto& [key, value] : wanted.items()) {
      EXPECT_EQ(other.key(), key) << where;
      expect_same(other.value(), value, where + "/" + key);
      ++other;
    }
  } else {
    EXPECT_EQ(got, wanted) << where;
  }
}

// Three windows: the second, twice as fast as the first, does not count; the third is three times as fast.
std::vector<Record> three_windows() {
  return {switch_record("refcount", 0, 3, 1),
          invalid(switch_record("refcount", 1, 3, 2), {"preempted", "throttled"}),
          switch_record("refcount", 2, 3, 3)};
}

std::vector<std::string> statistics(const std::vector<GoogleRun>& runs) {
  std::vector<std::string> names;
  for (const GoogleRun& run : runs) names.push_back(run.aggregate_name);
  return names;
}

TEST(ToRun, IsOneIterationPerWindow) {
  const GoogleRun run = to_run(switch_record("refcount", 1, 3));
  EXPECT_EQ(run.benchmark_name(), "switch/idle/refcount/all/compact/cpus:2");
  EXPECT_EQ(run.run_type, GoogleRun::RT_Iteration);
  EXPECT_EQ(run.iterations, 1);
  EXPECT_EQ(run.repetition_index, 1);
  EXPECT_EQ(run.repetitions, 3);
  EXPECT_EQ(run.report_label, "");
  EXPECT_FALSE(run.error_occurred);
}

TEST(ToRun, TimesAreNsPerOperation) {
  const GoogleRun run = to_run(switch_record());
  EXPECT_THAT(run.GetAdjustedRealTime(), DoubleEq(2000));
  EXPECT_THAT(run.GetAdjustedCPUTime(), DoubleEq(3750));
  EXPECT_THAT(to_run(floor_record()).GetAdjustedRealTime(), DoubleEq(4000));
}

TEST(ToRun, CarriesEveryCounterAsItIs) {
  const Record record = switch_record();
  const GoogleRun run = to_run(record);
  EXPECT_EQ(run.counters.size(), record.counters().size());
  for (const auto& [name, value] : record.counters()) {
    ASSERT_TRUE(run.counters.contains(name)) << name;
    EXPECT_EQ(run.counters.at(name).value, value);
    EXPECT_EQ(run.counters.at(name).flags, benchmark::Counter::kDefaults) << name << " would be divided";
  }
}

TEST(ToRun, AnInvalidWindowSaysWhyInItsLabel) {
  EXPECT_EQ(to_run(three_windows()[1]).report_label, "invalid: preempted; throttled");
}

TEST(Aggregates, AreOfTheValidWindowsOnly) {
  const std::vector<GoogleRun> runs = aggregates(three_windows());
  ASSERT_THAT(statistics(runs), ElementsAre("mean", "median", "stddev", "cv"));
  for (const GoogleRun& run : runs) {
    EXPECT_EQ(run.run_type, GoogleRun::RT_Aggregate);
    EXPECT_EQ(run.iterations, 2) << "how many were valid";
    EXPECT_EQ(run.benchmark_name(), "switch/idle/refcount/all/compact/cpus:2_" + run.aggregate_name);
  }
  // Of 2,000 and 2,000 / 3 ns; 3,750 and 1,250 ns; 500 k and 1,500 k switches/s.
  const GoogleRun& mean = runs[0];
  EXPECT_THAT(mean.GetAdjustedRealTime(), DoubleEq((2000 + 2000.0 / 3) / 2));
  EXPECT_THAT(mean.GetAdjustedCPUTime(), DoubleEq(2500));
  EXPECT_THAT(mean.counters.at("switches_per_second").value, DoubleEq(1e6));
  EXPECT_EQ(mean.counters.at("valid").value, 1);
  const GoogleRun& stddev = runs[2];
  EXPECT_THAT(stddev.GetAdjustedCPUTime(), testing::DoubleNear(2500 / std::sqrt(2.0), 1e-9));
  EXPECT_EQ(stddev.aggregate_unit, benchmark::kTime);
  const GoogleRun& cv = runs[3];
  EXPECT_EQ(cv.aggregate_unit, benchmark::kPercentage);
  EXPECT_THAT(cv.counters.at("switches_per_second").value, testing::DoubleNear(std::sqrt(0.5), 1e-12));
  EXPECT_NEAR(to_json(cv).at("cpu_time").get<double>(), std::sqrt(0.5), 1e-9);
}

TEST(Aggregates, MedianIsOfTheValidWindows) {
  std::vector<Record> windows = three_windows();
  windows.push_back(switch_record("refcount", 3, 4, 5));
  EXPECT_THAT(aggregates(windows)[1].counters.at("switches_per_second").value, DoubleEq(1.5e6));
  windows[1] = switch_record("refcount", 1, 4, 2);
  EXPECT_THAT(aggregates(windows)[1].counters.at("switches_per_second").value, DoubleEq(1.25e6));
}

TEST(Aggregates, OneWindowHasNoSpread) {
  EXPECT_THAT(statistics(aggregates(std::vector{switch_record()})), ElementsAre("mean", "median"));
}

TEST(Aggregates, NoValidWindowHasNone) {
  EXPECT_THAT(aggregates(std::vector{invalid(switch_record(), {"preempted"})}), IsEmpty());
  EXPECT_THAT(aggregates({}), IsEmpty());
}

TEST(Aggregates, AreFinite) {
  for (const GoogleRun& run : aggregates(three_windows()))
    for (const auto& [name, counter] : run.counters)
      EXPECT_TRUE(std::isfinite(counter.value)) << run.aggregate_name << " of " << name;
}

// Of the floor, whose counters are few: the switch's are listed where they are made (measure/record_test.cc).
std::vector<Record> three_floors() {
  return {floor_record("incdec", 0, 3, 1),
          invalid(floor_record("incdec", 1, 3, 2), {"preempted", "throttled"}),
          floor_record("incdec", 2, 3, 3)};
}

TEST(Json, OfAWindowIsTheGoldenOne) {
  expect_same(to_json(three_floors()[1]), ordered_json::parse(golden("window.json")));
}

TEST(Json, OfAnAggregateIsTheGoldenOne) {
  expect_same(to_json(aggregates(three_floors())[1]), ordered_json::parse(golden("median.json")));
}

TEST(Json, ADocumentHoldsWindowsThenAggregatesOfEachCase) {
  const std::vector<std::vector<Record>> cases = {three_windows(), {floor_record()}, {}};
  const ordered_json all = document(cases, false);
  ASSERT_TRUE(all.at("context").contains("num_cpus"));
  std::vector<std::string> names;
  for (const auto& entry : all.at("benchmarks")) names.push_back(entry.at("name"));
  const std::string name = "switch/idle/refcount/all/compact/cpus:2";
  const std::string floor = "floor/incdec/compact/cpus:2";
  EXPECT_THAT(names, ElementsAre(name, name, name, name + "_mean", name + "_median", name + "_stddev",
                                 name + "_cv", floor, floor + "_mean", floor + "_median"));
  EXPECT_EQ(document(cases, true).at("benchmarks").size(), 4u + 2u);
}

TEST(Csv, IsTheGoldenOne) {
  const std::vector<std::vector<Record>> cases = {three_floors(), {floor_record("empty", 0, 1)}};
  EXPECT_EQ(csv(cases, false), golden("cases.csv"));
}

TEST(Csv, EveryLineHasEveryColumn) {
  const std::vector<std::vector<Record>> cases = {{floor_record()}, three_windows()};
  std::istringstream lines(csv(cases, false));
  std::string header;
  std::getline(lines, header);
  const auto commas = std::count(header.begin(), header.end(), ',');
  EXPECT_GT(commas, 30);
  std::string line;
  unsigned rows = 0;
  for (; std::getline(lines, line); ++rows)
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), commas) << line;
  EXPECT_EQ(rows, 1u + 2 + 3 + 4);
}

TEST(Csv, AggregatesOnly) {
  const std::vector<std::vector<Record>> cases = {three_windows()};
  const std::string text = csv(cases, true);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1 + 4);
}

}  // namespace
}  // namespace mmscale::campaign
