// SPDX-License-Identifier: MIT
//
// A case: one thing to measure, as often as there are repetitions. Each family (one file per question) makes
// its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/conclusion.h"
#include "host/answer.h"
#include "kernel/build.h"
#include "measure/record.h"
#include "topology/layout.h"
#include "topology/placement.h"
#include "topology/sharing.h"
#include "workload/load.h"
#include "workload/patterns.h"
#include "workload/silicon_loads.h"

namespace mmscale::bench {

struct Case {
  std::string name;
  measure::Subject subject;
  // A fresh Load for one window: new mms on new pages each time.
  std::function<std::unique_ptr<workload::Load>()> make_load;
  // Instead of make_load, where the running kernel is measured and not an emulated one: runs one window.
  std::function<host::Answer(const measure::Bench&, const measure::WindowTimes&)> ask = {};
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
  kernel::Rules rules;
  std::string transport;
  std::string transport_reason;
  std::string transport_caveat;
  // Transports to compare in family `ipi`: all that work here, or the one asked for.
  std::vector<std::string> transports;
  // NUMA node of the contended mm; empty: the node of the first PU in use.
  std::optional<unsigned> home_node;
  std::uint32_t think = 0;
  std::uint32_t lifetime = 100;
  std::uint32_t migrate_every = workload::PatternParameters().migrate_every;
  bool page_tables = true;
  bool deep_idle = false;
  // mix: thread exits per million switches of a CPU, ascending.
  std::vector<std::uint32_t> exits_per_million = {0, 1, 10, 100, 1'000, 10'000, 100'000};
  // teardown: how long borrowers go on borrowing after the drop.
  std::chrono::nanoseconds linger{};
  // switch: time one switch in so many; 0: none.
  std::uint32_t latency_one_in = 0;
};

// Family `switch`: how many context switches per second, under each scheme, sharing and placement.
std::vector<Case> switch_cases(const topology::Layout& layout, const Choice& choice);

// Family `floor`: what bare instructions cost in the same windows.
std::vector<Case> floor_cases(const topology::Layout& layout, const Choice& choice);

// Family `teardown`: how long the last drop of an mm takes, by how many CPUs borrow it, and what it does to
// them.
std::vector<Case> teardown_cases(const topology::Layout& layout, const Choice& choice);

// Family `mix`: switches and exits together, and where two schemes cost the same.
std::vector<Case> mix_cases(const topology::Layout& layout, const Choice& choice);
std::vector<Conclusion> mix_conclusions(Results results);

// Family `ipi`: what a transport's interrupts cost by themselves.
std::vector<Case> ipi_cases(const topology::Layout& layout, const Choice& choice);

// Family `line`: how long a cache line takes between any two PUs. One case for each placement, at the largest
// CPU count.
std::vector<Case> line_cases(const topology::Layout& layout, const Choice& choice);

// Family `explorer`: how fast interleavings are explored, by each way to search.
std::vector<Case> explorer_cases(const topology::Layout& layout, const Choice& choice);

// Family `host_kernel`: the running kernel's own context switches, deaths of processes and calls that
// interrupt other CPUs; and how much of that went through idle.
std::vector<Case> host_kernel_cases(const topology::Layout& layout, const Choice& choice);
std::vector<Conclusion> host_kernel_conclusions(Results results);

// Family `simulator`: how fast the simulator is on this host.
std::vector<Case> simulator_cases(const topology::Layout& layout, const Choice& choice);

// Families by name, in the order they are run in where order matters.
struct Family {
  std::string_view name;
  std::string_view what;
  std::vector<Case> (*cases)(const topology::Layout&, const Choice&);
  // Below so many CPUs it has no cases.
  unsigned least_cpus = 1;
  // Whether it is measured when nobody says what.
  bool by_default = false;
  // What it concludes from all its windows; null for nothing.
  std::vector<Conclusion> (*conclude)(Results) = nullptr;
};
std::span<const Family> families();

// What a case of the emulated kernel is a record of: what all such families have in common.
measure::Subject kernel_subject(const topology::Layout& layout, const Choice& choice, std::string family,
                                const std::string& scheme, const topology::Placement& placement,
                                unsigned cpus);

// The emulated kernel that the choice asks for. Refers to its arguments' texts.
workload::SiliconSpec silicon_spec(const std::string& scheme, const Choice& choice, unsigned home_node);

// The node a case's contended memory lives on: the choice's, or the first PU's own.
unsigned home_of(const topology::Layout& layout, const Choice& choice, const std::vector<unsigned>& pus);

}  // namespace mmscale::bench
