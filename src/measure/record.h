// SPDX-License-Identifier: MIT
//
// The record: what was run, where, what came out and whether to believe it. One per window; console, JSON,
// CSV, plots and report are views of it. docs/records.md lists every name that appears in a file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "measure/findings.h"
#include "measure/window.h"
#include "workload/settings.h"

namespace mmscale::measure {

// Version of the names in a record file (docs/records.md): one more when a name changes its meaning or goes
// away. In every window, and in the context of every file.
inline constexpr int kSchema = 2;

// What a family counts, where its findings do not time an operation (findings.h).
struct Operation {
  std::string_view unit;  // of its rate: "switches/s"
  // Counters: how many a second over all CPUs, and ns of a CPU for one.
  std::string_view rate;
  std::string_view cost;
  // A round of the load is one; else a context switch is.
  bool is_round = false;
};
inline constexpr Operation kSwitch = {"switches/s", "switches_per_second", "ns_per_switch"};

// What is measured: every choice that two comparable records share. Empty texts are choices that the family
// does not have.
struct Subject {
  std::string family;  // as bench/ has them, or "replay"
  const Operation* operation = &kSwitch;
  std::string workload;  // pattern
  std::string scheme;    // or the floor's name
  std::string sharing;
  std::string placement;
  std::string lifecycle;
  std::string lifecycle_reason;
  // Costs of the emulated architecture that are not in the figures, in words.
  std::string absent;
  std::string transport;
  std::string transport_reason;
  std::string transport_caveat;
  unsigned home_node = 0;
  // Of processes what the workload uses (Pattern::used_of), but for the groups, which `sharing` names.
  workload::Settings settings = {.processes = {.lifetime = 0, .migrate_every = 0}};
  std::vector<unsigned> pus;  // emulated CPU i ran on pus[i]
};

struct Record {
  std::string name;  // "switch/idle/refcount/all/compact/cpus:2"
  Subject subject;
  unsigned repetition = 0;
  unsigned repetitions = 1;
  WindowTimes times;
  Window window;
  // What the load measured itself.
  Findings findings = {};

  bool valid() const { return window.verdict.valid; }

  // Operations a second over all CPUs, as the window counted them.
  double rate() const;

  // Wall time per operation of all CPUs together, and CPU time per operation, ns. An operation is what the findings
  // say, else the subject's.
  double wall_ns() const;
  double cpu_ns() const;

  // The record's figures, in a fixed order and with fixed names: the counters of its line in the file. A
  // figure that was not measured is left out.
  std::vector<std::pair<std::string, double>> counters() const;

  // What is not a number, and the per-CPU figures: the "mmscale" object beside the counters.
  nlohmann::ordered_json details() const;
};

// Of the valid ones among a case's windows, what `of` says of each, if anything.
template <class Of>
std::vector<double> of_valid(std::span<const Record> windows, Of of) {
  std::vector<double> values;
  for (const Record& record : windows)
    if (record.valid())
      if (const std::optional<double> value = of(record)) values.push_back(*value);
  return values;
}

}  // namespace mmscale::measure
