// SPDX-License-Identifier: MIT
//
// A case: one thing to measure, as often as there are repetitions. Each family (one file per question) makes
// its own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel/build.h"
#include "measure/record.h"
#include "topology/layout.h"
#include "topology/placement.h"
#include "topology/sharing.h"
#include "workload/load.h"

namespace mmscale::bench {

struct Case {
  std::string name;
  measure::Subject subject;
  // A fresh Load for one window: new mms on new pages each time.
  std::function<std::unique_ptr<workload::Load>()> make_load;
};

// What a campaign was asked to measure: every combination of the lists.
struct Choice {
  std::vector<std::string> families;
  std::vector<std::string> workloads;
  std::vector<std::string> schemes;
  std::vector<topology::Sharing> sharings;
  std::vector<topology::Placement> placements;
  std::vector<unsigned> cpu_counts;
  std::string lifecycle = "powerpc";
  kernel::Options options;
  std::string transport;
  std::string transport_reason;
  std::string transport_caveat;
  // NUMA node of the contended mm; empty: the node of the first PU in use.
  std::optional<unsigned> home_node;
  std::uint32_t think = 0;
  std::uint32_t lifetime = 100;
};

// Family `switch`: how many context switches per second, under each scheme, sharing and placement.
std::vector<Case> switch_cases(const topology::Layout& layout, const Choice& choice);

// Family `floor`: what bare instructions cost in the same windows.
std::vector<Case> floor_cases(const topology::Layout& layout, const Choice& choice);

// Families by name, in the order they are run in where order matters.
struct Family {
  std::string_view name;
  std::string_view what;
  std::vector<Case> (*cases)(const topology::Layout&, const Choice&);
};
std::span<const Family> families();

// The node a case's contended memory lives on: the choice's, or the first PU's own.
unsigned home_of(const topology::Layout& layout, const Choice& choice, const std::vector<unsigned>& pus);

}  // namespace mmscale::bench
