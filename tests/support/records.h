// SPDX-License-Identifier: MIT
//
// Records made by hand, for tests of what is written of them. Their figures are round.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "measure/record.h"

namespace mmscale::test {

// switch/idle on the CPUs 4 and 5 of two packages. CPU 4 makes 1,000 rounds of two switches in 10 ms; CPU 5
// three times as many in twice the time. `speed` multiplies the rounds. All CPUs together make 500,000
// switches/s, 2,000 ns each; one takes a CPU 3,750 ns.
inline measure::Record switch_record(std::string scheme = "refcount", unsigned repetition = 0,
                                     unsigned repetitions = 3, std::uint64_t speed = 1) {
  measure::Record record;
  record.name = "switch/idle/" + scheme + "/all/compact/cpus:2";
  record.subject.family = "switch";
  record.subject.workload = "idle";
  record.subject.scheme = std::move(scheme);
  record.subject.sharing = "all";
  record.subject.placement = "compact";
  record.subject.lifecycle = "powerpc";
  record.subject.settings.rules.irqs_off_activate_mm = true;
  record.subject.transport = "membarrier";
  record.subject.transport_reason = "default";
  record.subject.transport_caveat = "takes a mutex";
  record.subject.home_node = 1;
  record.subject.pus = {4, 5};
  record.repetition = repetition;
  record.repetitions = repetitions;
  record.times = {.warm = std::chrono::milliseconds(2), .measure = std::chrono::milliseconds(10)};

  measure::Window& window = record.window;
  window.cpus.resize(2);
  window.cpus[0] = {.pu = 4,
                    .package = 0,
                    .start_ns = 100,
                    .end_ns = 10'000'100,
                    .rounds = 1000 * speed,
                    .switches = 2000 * speed,
                    .tally = {}};
  window.cpus[1] = {.pu = 5,
                    .package = 1,
                    .start_ns = 100,
                    .end_ns = 20'000'100,
                    .rounds = 3000 * speed,
                    .switches = 6000 * speed,
                    .tally = {}};
  window.tally.lazy_grabs = 4000 * speed;
  window.tally.lazy_drops = 4000 * speed;
  window.tally.ipis_shoot = 3;
  window.tally.ipis_exit_flush = 4;
  window.tally.ipis_trim = 5;
  window.overlap = 0.5;
  window.conditions.window_ns = record.times.measure.count();
  window.conditions.overlap = window.overlap;
  window.conditions.cpus.resize(2);
  window.conditions.cpus[0] = {.cpu = 4, .thread = {}, .alu_rate_before = 1.0, .alu_rate_after = 1.25};
  window.conditions.cpus[1] = {.cpu = 5, .thread = {}, .alu_rate_before = 1.0, .alu_rate_after = 1.0};
  for (measure::CpuConditions& cpu : window.conditions.cpus) cpu.thread.counted = true;
  window.conditions.cpus[0].thread.involuntary = 2;
  window.conditions.cpus[0].thread.wait_ns = 2'500'000;
  window.conditions.cpus[1].thread.involuntary = 3;
  window.conditions.cpus[1].thread.wait_ns = 0;
  window.conditions.machine.steal = {{4, 10'000'000}, {5, std::nullopt}};
  window.verdict.valid = true;
  return record;
}

// The same windows of the family floor: 250,000 pairs/s, 7,500 ns each.
inline measure::Record floor_record(std::string loop = "incdec", unsigned repetition = 0,
                                    unsigned repetitions = 3, std::uint64_t speed = 1) {
  measure::Record record = switch_record({}, repetition, repetitions, speed);
  record.name = "floor/" + loop + "/compact/cpus:2";
  record.subject = {};
  static constexpr measure::Operation kPair = {"pairs/s", "pairs_per_second", "ns_per_pair", true};
  record.subject.family = "floor";
  record.subject.operation = &kPair;
  record.subject.scheme = std::move(loop);
  record.subject.placement = "compact";
  record.subject.home_node = 1;
  record.subject.pus = {4, 5};
  record.window.tally = {};
  for (measure::CpuWindow& cpu : record.window.cpus) cpu.switches = 0;
  return record;
}

inline measure::Record invalid(measure::Record record, std::vector<std::string> reasons) {
  record.window.verdict = {.valid = false, .reasons = std::move(reasons)};
  return record;
}

}  // namespace mmscale::test
