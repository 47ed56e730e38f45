// SPDX-License-Identifier: MIT
#include "campaign/console.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "support/records.h"

namespace mmscale::campaign {
namespace {

using namespace std::chrono_literals;
using measure::Record;
using test::floor_record;
using test::invalid;
using test::switch_record;

TEST(SiPrefix, ThreeSignificantDigits) {
  EXPECT_EQ(with_si_prefix(0), "0.00 ");
  EXPECT_EQ(with_si_prefix(1), "1.00 ");
  EXPECT_EQ(with_si_prefix(12.345), "12.3 ");
  EXPECT_EQ(with_si_prefix(123.45), "123 ");
  EXPECT_EQ(with_si_prefix(1234), "1.23 k");
  EXPECT_EQ(with_si_prefix(61.2e6), "61.2 M");
  EXPECT_EQ(with_si_prefix(1.31e9), "1.31 G");
  EXPECT_EQ(with_si_prefix(2e12), "2.00 T");
  EXPECT_EQ(with_si_prefix(5e15), "5000 T");
}

TEST(SiPrefix, RoundingMovesOnToTheNextStep) {
  EXPECT_EQ(with_si_prefix(9.994), "9.99 ");
  EXPECT_EQ(with_si_prefix(9.996), "10.0 ");
  EXPECT_EQ(with_si_prefix(99.94), "99.9 ");
  EXPECT_EQ(with_si_prefix(99.96), "100 ");
  EXPECT_EQ(with_si_prefix(999.4), "999 ");
  EXPECT_EQ(with_si_prefix(999.6), "1.00 k");
  EXPECT_EQ(with_si_prefix(999'600'000), "1.00 G");
}

TEST(TimeText, ThreeSignificantDigits) {
  EXPECT_EQ(time_text(0.25), "0.25 ns");
  EXPECT_EQ(time_text(12.34), "12.3 ns");
  EXPECT_EQ(time_text(999.6), "1.00 us");
  EXPECT_EQ(time_text(3.5e6), "3.50 ms");
  EXPECT_EQ(time_text(2e12), "2000 s");
}

TEST(PmuTable, IsPerOperationOverValidWindows) {
  Record record = switch_record();  // 8,000 switches on two CPUs
  using Cases = std::vector<std::vector<Record>>;
  EXPECT_EQ(pmu_table(Cases{{record}}), "");
  record.window.pmu_events = {"cycles", "hitm_local"};
  record.window.cpus[0].pmu = {100'000, 4'000};
  record.window.cpus[1].pmu = {300'000, std::nullopt};  // another user had that counter
  const Record spoilt = invalid(record, {"steal"});
  EXPECT_EQ(pmu_table(Cases{{record, spoilt}}),
            "switch/idle/refcount/all/compact/cpus:2: 50 cycles per operation\n");
  EXPECT_EQ(pmu_table(Cases{{spoilt}}), "");
}

TEST(DurationText, PicksTheUnit) {
  EXPECT_EQ(rounded_text(0ns), "0us");
  EXPECT_EQ(rounded_text(1500ns), "1us");
  EXPECT_EQ(rounded_text(350ms), "350ms");
  EXPECT_EQ(rounded_text(999'999us), "999ms");
  EXPECT_EQ(rounded_text(1s), "1s");
  EXPECT_EQ(rounded_text(59'400ms), "59s");
  EXPECT_EQ(rounded_text(59'600ms), "1m00s");
  EXPECT_EQ(rounded_text(80s), "1m20s");
  EXPECT_EQ(rounded_text(3599s), "59m59s");
  EXPECT_EQ(rounded_text(3600s), "1h00m");
  EXPECT_EQ(rounded_text(90min), "1h30m");
}

TEST(ResultsTable, HasALineForEachCase) {
  const std::vector<std::vector<Record>> cases = {
      {switch_record("refcount", 0, 3, 1), invalid(switch_record("refcount", 1, 3, 2), {"preempted"}),
       switch_record("refcount", 2, 3, 3)},
      {invalid(switch_record("shootdown", 0, 1, 4), {"preempted"})},
      {},
      {floor_record()},
  };
  EXPECT_EQ("\n" + results_table(cases), R"(
case                                           operations/s             interval  ns per CPU  to refcount    valid
switch/idle/refcount/all/compact/cpus:2    1.00 Mswitches/s      500 k .. 1.50 M     2500.00          1 x      2/3
switch/idle/shootdown/all/compact/cpus:2    no valid window                                                    0/1
floor/incdec/compact/cpus:2                    250 kpairs/s                          7500.00                   1/1
)");
}

TEST(ResultsTable, MarksEveryNumberThatWasComputed) {
  Record line = switch_record("cas", 0, 2);
  line.findings.operation_ns = 25;
  const std::vector<std::vector<Record>> cases = {
      {switch_record("refcount", 0, 1, 2)}, {switch_record("shootdown", 0, 1, 3)}, {line}};
  const std::string table = results_table(cases, "~");
  EXPECT_THAT(table, testing::ContainsRegex("shootdown.* ~[0-9.]+ M?k?switches/s +~[0-9.]+ +~1.5 x +1/1"));
  EXPECT_THAT(table, testing::HasSubstr("~25.0 ns"));
}

TEST(ResultsTable, ARatioToTheCaseThatDiffersInItsSchemeOnly) {
  Record elsewhere = switch_record("shootdown", 0, 1, 3);
  elsewhere.name = "switch/idle/shootdown/private/compact/cpus:2";
  const std::vector<std::vector<Record>> cases = {
      {switch_record("refcount", 0, 1, 2)}, {switch_record("shootdown", 0, 1, 3)}, {elsewhere}};
  const std::string table = results_table(cases);
  EXPECT_THAT(table, testing::ContainsRegex("idle/shootdown/all.* 1.5 x +1/1"));
  EXPECT_THAT(table, testing::Not(testing::ContainsRegex("idle/shootdown/private.* x +1/1")));
}

// Times whose windows have no quantiles get no columns for them.
TEST(ResultsTable, QuantilesOnlyWhereThereAreAny) {
  Record line = switch_record("cas", 0, 2);
  line.findings.operation_ns = 25;
  Record again = line;
  again.findings.operation_ns = 27;
  const std::vector<std::vector<Record>> lines = {{line, again}};
  EXPECT_THAT(results_table(lines), testing::HasSubstr("26.0 ns   25.0 ns .. 27.0 ns      2/2"));
  EXPECT_THAT(results_table(lines), testing::Not(testing::HasSubstr("p90")));
  // A first window that was not measured says nothing.
  EXPECT_THAT(results_table(std::vector<std::vector<Record>>{{switch_record("cas", 0, 2), line}}),
              testing::HasSubstr("25.0 ns"));
  line.findings.distribution = "drop_ns";
  line.findings.put("drop_ns_p90", 99);
  EXPECT_THAT(results_table(std::vector<std::vector<Record>>{{line}}), testing::HasSubstr("99.0 ns"));
}

TEST(ResultsTable, OfNothingIsNone) {
  EXPECT_EQ(results_table({}), "");
  EXPECT_EQ(results_table(std::vector<std::vector<Record>>(3)), "");
}

// What a Progress writes into a file: plain lines, as for a pipe.
class ProgressTest : public testing::Test {
 protected:
  ProgressTest() : out_(open_memstream(&buffer_, &size_)) {}
  ~ProgressTest() override {
    std::fclose(out_);
    std::free(buffer_);
  }
  std::string text() {
    std::fflush(out_);
    return {buffer_, size_};
  }

  char* buffer_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* out_;
};

TEST_F(ProgressTest, OneLineForEachWindow) {
  Progress progress(out_, 2);
  const Record first = switch_record("refcount", 0, 2);
  const Record second = invalid(floor_record("incdec", 1, 2), {"preempted", "throttled"});
  progress.starting(first.name, first.repetition);
  EXPECT_EQ(text(), "") << "only a terminal sees what runs";
  progress.finished(first);
  progress.starting(second.name, second.repetition);
  progress.finished(second);
  progress.end();
  EXPECT_EQ(
      text(),
      "[1/2] switch/idle/refcount/all/compact/cpus:2 #1: 500 kswitches/s, overlap 0.500\n"
      "[2/2] floor/incdec/compact/cpus:2 #2: 250 kpairs/s, overlap 0.500, invalid: preempted; throttled\n");
}

TEST_F(ProgressTest, MoreWindowsThanPlanned) {
  Progress progress(out_, 1);
  for (unsigned i = 0; i < 2; ++i) progress.finished(switch_record("refcount", i, 1));
  EXPECT_EQ(text(),
            "[1/1] switch/idle/refcount/all/compact/cpus:2 #1: 500 kswitches/s, overlap 0.500\n"
            "[2/2] switch/idle/refcount/all/compact/cpus:2 #2: 500 kswitches/s, overlap 0.500\n");
}

}  // namespace
}  // namespace mmscale::campaign
