// SPDX-License-Identifier: MIT
#include "measure/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/records.h"

namespace mmscale::measure {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

TEST(Findings, ADistributionHasSevenNames) {
  Histogram h;
  for (std::uint64_t v = 1; v <= 100; ++v) h.record(v);
  Findings findings;
  findings.put("drop_ns", h, 2);
  EXPECT_THAT(findings.counters,
              ElementsAre(Pair("drop_ns_p50", 100), Pair("drop_ns_p90", 180), Pair("drop_ns_p99", 198),
                          Pair("drop_ns_p999", 200), Pair("drop_ns_max", 200), Pair("drop_ns_mean", 101),
                          Pair("drop_ns_count", 100)));
}

TEST(Findings, AnEmptyDistributionHasOnlyItsCount) {
  Findings findings;
  findings.put("drop_ns", Histogram());
  EXPECT_THAT(findings.counters, ElementsAre(Pair("drop_ns_count", 0)));
}

TEST(Findings, AreInTheRecordBesideItsOwn) {
  Record record = test::switch_record();
  record.findings.put("latency_ns_p50", 12);
  record.findings.details =
      std::make_shared<nlohmann::ordered_json>(nlohmann::ordered_json{{"latency_one_in", 4096}});
  EXPECT_THAT(record.counters(), Contains(Pair("latency_ns_p50", 12)));
  EXPECT_THAT(record.counters(), Contains(Pair("switches", 8000)));
  EXPECT_EQ(record.details().at("latency_one_in"), 4096);
  EXPECT_DOUBLE_EQ(record.cpu_ns(), test::switch_record().cpu_ns());
}

TEST(Findings, AnOperationOfTheirOwnTakesThePlaceOfTheSwitch) {
  Record record = test::switch_record();
  record.findings.operation_ns = 1234;
  EXPECT_EQ(record.wall_ns(), 1234);
  EXPECT_EQ(record.cpu_ns(), 1234);
  for (const auto& [name, value] : record.counters()) EXPECT_NE(name, "switches_per_second");
  EXPECT_THAT(record.counters(), Contains(Pair("mm_count_ops", 8000))) << "the emulated kernel still counted";
}

// 1,000 values from 1,001 to 2,000: moved by so many ranks, the median moves by as much.
TEST(Findings, AQuantileIsOffByNoMoreThanItsNeighbours) {
  Histogram values;
  for (std::uint64_t value = 1001; value <= 2000; ++value) values.record(value);
  Findings findings;
  findings.put("x", values);
  findings.bound_errors(0.1);
  EXPECT_NEAR(findings.counter("x_p50_error").value(), 100.0 / 1500, 2 * Histogram::kRelativeError);
  EXPECT_FALSE(findings.counter("x_p99_error")) << "it may be anything above";
  Findings quiet;
  quiet.put("x", values);
  quiet.bound_errors(0);
  EXPECT_EQ(quiet.counter("x_p50_error"), 0);
  EXPECT_EQ(quiet.counter("x_max_error"), 0);
}

}  // namespace
}  // namespace mmscale::measure
