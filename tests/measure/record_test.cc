// SPDX-License-Identifier: MIT
#include "measure/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "support/records.h"

namespace mmscale::measure {
namespace {

using test::floor_record;
using test::invalid;
using test::switch_record;
using testing::ElementsAre;

std::vector<std::string> names(const Record& record) {
  std::vector<std::string> names;
  for (const auto& [name, value] : record.counters()) names.push_back(name);
  return names;
}

std::vector<std::string> keys(const nlohmann::ordered_json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

std::optional<double> value(const Record& record, const std::string& counter) {
  for (const auto& [name, value] : record.counters())
    if (name == counter) return value;
  return std::nullopt;
}

// Scripts read these names. One that changes here changes docs/records.md, schema/record.schema.json and the
// schema number.
TEST(Counters, OfASwitchAreTheStableList) {
  EXPECT_THAT(
      names(switch_record()),
      ElementsAre("cpus", "packages", "switches_per_second", "ns_per_switch", "ns_per_round", "switches",
                  "mm_count_ops", "ipis_sent", "lazy_grabs", "lazy_drops", "lazy_grabs_unlazy",
                  "lazy_drops_unlazy", "ipis_useful", "ipis_useless", "ipis_user", "ipis_shoot",
                  "ipis_exit_flush", "ipis_trim", "ipis_flush", "ipis_raised", "ipis_local", "shoot_self",
                  "exits", "mms_born", "mms_freed", "overlap", "jain", "max_min_ratio", "share_package_0",
                  "share_package_1", "window_ns", "involuntary_switches", "wait_share_max", "stolen_ns",
                  "alu_drift_max", "error_bound", "fairness_error_bound", "valid"));
}

TEST(Counters, OfAFloorAreTheStableList) {
  EXPECT_THAT(
      names(floor_record()),
      ElementsAre("cpus", "packages", "pairs_per_second", "ns_per_pair", "overlap", "jain", "max_min_ratio",
                  "share_package_0", "share_package_1", "window_ns", "involuntary_switches", "wait_share_max",
                  "stolen_ns", "alu_drift_max", "error_bound", "fairness_error_bound", "valid"));
}

TEST(Counters, OfThePmuAreSumsOfAllCpusAndNoParts) {
  Record record = switch_record();
  EXPECT_FALSE(record.details().contains("pmu"));
  record.window.pmu = "cycles, user only; unavailable (hitm_local: none)";
  record.window.pmu_events = {"cycles", "instructions"};
  record.window.cpus[0].pmu = {7, 11};
  record.window.cpus[1].pmu = {5, std::nullopt};
  const auto counters = record.counters();
  EXPECT_THAT(counters, testing::Contains(std::pair<std::string, double>("pmu_cycles", 12)));
  EXPECT_THAT(names(record), testing::Not(testing::Contains("pmu_instructions")));
  EXPECT_EQ(record.details()["pmu"], record.window.pmu);
}

TEST(Counters, SayWhatWasMeasured) {
  const Record record = switch_record();
  EXPECT_EQ(value(record, "cpus"), 2);
  EXPECT_EQ(value(record, "packages"), 2);
  EXPECT_DOUBLE_EQ(value(record, "switches_per_second").value(), 500e3);
  EXPECT_DOUBLE_EQ(value(record, "ns_per_switch").value(), 3750);
  EXPECT_DOUBLE_EQ(value(record, "ns_per_round").value(), 7500);
  EXPECT_EQ(value(record, "switches"), 8000);
  EXPECT_EQ(value(record, "mm_count_ops"), 8000);
  EXPECT_EQ(value(record, "ipis_sent"), 3 + 4 + 5);
  EXPECT_EQ(value(record, "ipis_exit_flush"), 4);
  EXPECT_EQ(value(record, "overlap"), 0.5);
  EXPECT_EQ(value(record, "share_package_0"), 0.25);
  EXPECT_EQ(value(record, "window_ns"), 10e6);
  EXPECT_EQ(value(record, "valid"), 1);
}

TEST(Counters, SayTheWorstOfTheCpusAndTheSumOfTheirTroubles) {
  const Record record = switch_record();
  EXPECT_EQ(value(record, "involuntary_switches"), 2 + 3);
  EXPECT_DOUBLE_EQ(value(record, "wait_share_max").value(), 0.25);
  EXPECT_EQ(value(record, "stolen_ns"), 10e6);
  EXPECT_DOUBLE_EQ(value(record, "alu_drift_max").value(), 0.25);
}

TEST(Counters, OfAFloorCountPairs) {
  const Record record = floor_record();
  EXPECT_DOUBLE_EQ(value(record, "pairs_per_second").value(), 250e3);
  EXPECT_DOUBLE_EQ(value(record, "ns_per_pair").value(), 7500);
}

TEST(Counters, WhatWasNotMeasuredIsLeftOut) {
  Record record = switch_record();
  for (CpuWindow& cpu : record.window.cpus) cpu.rounds = cpu.switches = 0;
  for (CpuConditions& cpu : record.window.conditions.cpus) {
    cpu.thread.wait_ns.reset();
    cpu.alu_rate_before = 0;
  }
  record.window.overlap.reset();
  for (const char* counter : {"ns_per_switch", "ns_per_round", "overlap", "jain", "max_min_ratio",
                              "wait_share_max", "alu_drift_max"})
    EXPECT_EQ(value(record, counter), std::nullopt) << counter;
  EXPECT_EQ(value(record, "switches_per_second"), 0) << "none in all that time was measured";
}

TEST(Counters, AreFiniteWhateverHappened) {
  Record starved = switch_record();
  starved.window.cpus[0].rounds = starved.window.cpus[0].switches = 0;  // max/min is infinite
  Record still = switch_record();
  for (CpuWindow& cpu : still.window.cpus) cpu.rounds = cpu.switches = 0;
  Record timeless = switch_record();
  for (CpuWindow& cpu : timeless.window.cpus) cpu.end_ns = cpu.start_ns;
  timeless.window.conditions.window_ns = 0;
  Record empty = floor_record();
  empty.window = {};
  for (const Record& record : {starved, still, timeless, empty}) {
    for (const auto& [name, value] : record.counters()) EXPECT_TRUE(std::isfinite(value)) << name;
    EXPECT_TRUE(std::isfinite(record.wall_ns()));
    EXPECT_TRUE(std::isfinite(record.cpu_ns()));
  }
  EXPECT_EQ(value(starved, "max_min_ratio"), std::nullopt);
  EXPECT_EQ(value(starved, "jain"), 0.5);
}

TEST(Counters, AnInvalidWindowHasTheSameOnes) {
  const Record record = invalid(switch_record(), {"cpu 4: preempted"});
  EXPECT_EQ(names(record), names(switch_record()));
  EXPECT_EQ(value(record, "valid"), 0);
}

TEST(Times, AreOfAllCpusTogetherAndOfOne) {
  EXPECT_DOUBLE_EQ(switch_record().wall_ns(), 2000);
  EXPECT_DOUBLE_EQ(switch_record().cpu_ns(), 3750);
  EXPECT_DOUBLE_EQ(floor_record().wall_ns(), 4000);
  EXPECT_DOUBLE_EQ(floor_record().cpu_ns(), 7500);
}

TEST(Details, OfASwitchHaveTheStableKeys) {
  EXPECT_THAT(
      keys(switch_record().details()),
      ElementsAre("schema", "world", "family", "scheme", "cpus", "placement", "home_node", "warm_ns",
                  "window_ns", "pus", "packages", "per_cpu", "invalid", "audit", "workload", "sharing",
                  "lifecycle", "absent", "transport", "transport_reason", "transport_caveat", "mm_cid",
                  "rq_lock", "irqs_off_activate_mm", "hotplug", "think_cycles", "page_tables", "deep_idle"));
}

TEST(Details, OfWhatLivesAndMigratesSaySo) {
  Record record = switch_record();
  record.subject.settings.processes.lifetime = 100;
  record.subject.settings.processes.migrate_every = 64;
  EXPECT_EQ(record.details().at("lifetime"), 100);
  EXPECT_EQ(record.details().at("migrate_every"), 64);
}

TEST(Details, OfAFloorHaveNoWorkload) {
  EXPECT_THAT(keys(floor_record().details()),
              ElementsAre("schema", "world", "family", "scheme", "cpus", "placement", "home_node", "warm_ns",
                          "window_ns", "pus", "packages", "per_cpu", "invalid", "audit"));
}

TEST(Details, SayWhatWasRunWhere) {
  const auto details =
      invalid(switch_record(), {"cpu 4: preempted", "the CPUs ran together for only 50.0 %"}).details();
  EXPECT_EQ(details.at("schema"), kSchema);
  EXPECT_EQ(details.at("scheme"), "refcount");
  EXPECT_EQ(details.at("home_node"), 1);
  EXPECT_EQ(details.at("warm_ns"), 2'000'000);
  EXPECT_EQ(details.at("pus"), (std::vector<unsigned>{4, 5}));
  EXPECT_EQ(details.at("packages"), (std::vector<unsigned>{0, 1}));
  EXPECT_EQ(details.at("invalid"),
            (std::vector<std::string>{"cpu 4: preempted", "the CPUs ran together for only 50.0 %"}));
  EXPECT_EQ(details.at("rq_lock"), false);
  ASSERT_EQ(details.at("per_cpu").size(), 2u);
  EXPECT_EQ(details.at("per_cpu")[1], (nlohmann::ordered_json{{"pu", 5},
                                                              {"package", 1},
                                                              {"start_ns", 100},
                                                              {"end_ns", 20'000'100},
                                                              {"rounds", 3000},
                                                              {"switches", 6000}}));
}

TEST(RecordDetails, OfManyCpusTheRoundsAndWhoLostMost) {
  Record record = switch_record();
  record.subject.pus.clear();
  record.window.cpus.resize(65, record.window.cpus[0]);
  record.window.conditions.cpus.clear();
  for (unsigned i = 0; i < 65; ++i) {
    CpuWindow& cpu = record.window.cpus[i];
    record.subject.pus.push_back(i);
    cpu.pu = i;
    cpu.start_ns = 100 + i;
    cpu.end_ns = 10'000'000 + i;
    cpu.rounds = 1000 + i;
    CpuConditions conditions;
    conditions.cpu = i;
    // Six of them waited, the later ones longer.
    conditions.account = {.elapsed_ns = 10'000'000, .ran_ns = 10'000'000};
    if (i >= 59) {
      conditions.thread.wait_ns = 1'000 * i;
      conditions.account->ran_ns = 10'000'000 - 1'000 * i;
    }
    record.window.conditions.cpus.push_back(conditions);
  }
  record.window.conditions.machine.steal.clear();
  const nlohmann::ordered_json told = record.details().at("per_cpu");
  EXPECT_EQ(told.at("start_ns"), 100);
  EXPECT_EQ(told.at("end_ns"), 10'000'064);
  ASSERT_EQ(told.at("rounds").size(), 65u);
  EXPECT_EQ(told.at("rounds")[64], 1064);
  EXPECT_EQ(told.at("losers"), 6);
  ASSERT_EQ(told.at("most_lost").size(), 4u);
  EXPECT_EQ(told.at("most_lost")[0].at("pu"), 64);
  EXPECT_EQ(told.at("most_lost")[3].at("pu"), 61);
  EXPECT_EQ(told.at("most_lost")[0].at("waited_ns"), 64'000);
  EXPECT_EQ(told.at("most_lost")[0].at("switches"), 2000);
}

}  // namespace
}  // namespace mmscale::measure
