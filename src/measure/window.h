// SPDX-License-Identifier: MIT
//
// One measurement window: a Load run on pinned threads for a fixed time, with the load kept up before the
// first CPU starts to measure and after the last one stops.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernel/tally.h"
#include "machine/silicon/pool.h"
#include "measure/pmu.h"
#include "measure/validity.h"
#include "topology/quota.h"
#include "topology/topology.h"
#include "workload/load.h"

namespace mmscale::measure {

struct WindowTimes {
  // How long every CPU runs before anybody measures: caches, branch predictors and clocks settle.
  std::chrono::nanoseconds warm{};
  // How long each CPU measures.
  std::chrono::nanoseconds measure{};
};

// Where windows run: what does not change from one to the next.
struct Bench {
  const topology::Topology& topology;
  machine::silicon::Pool& pool;
  topology::CpuQuota quota;
  // A window that has taken this long and a hundred times its own length is not coming back.
  std::chrono::nanoseconds patience = std::chrono::seconds(30);

  std::chrono::nanoseconds patience_with(const WindowTimes& times) const {
    return 100 * (times.warm + times.measure) + patience;
  }
};

// What one CPU did between its own start and end stamps.
struct CpuWindow {
  unsigned pu = 0;
  unsigned package = 0;
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;
  std::uint64_t rounds = 0;
  std::uint64_t switches = 0;
  kernel::Tally tally;
  // What the CPU's own counters saw of the thread.
  PmuReading pmu = {};

  double seconds() const { return static_cast<double>(end_ns - start_ns) * 1e-9; }
};

struct Window {
  std::vector<CpuWindow> cpus;
  // Sum of the CPUs' tallies within their windows. Requests in flight at a window's edge are counted on one
  // side only: sums that must match are the audit's, over the whole run.
  kernel::Tally tally;
  std::optional<double> overlap;
  WindowConditions conditions;
  Verdict verdict;
  // Pmu::summary(), and the names of the events counted, in the order of CpuWindow::pmu. Empty where there
  // was nothing to count with, as in virtual time.
  std::string pmu = {};
  std::vector<std::string> pmu_events = {};
  // What did not add up when all was over: a bug, and an error exit for whoever ran it.
  std::vector<std::string> audit;

  // All CPUs together.
  std::uint64_t switches() const;
  std::uint64_t rounds() const;
  double switches_per_second() const;
  double rounds_per_second() const;
  // Mean CPU time of one, ns; undefined if there was none.
  std::optional<double> ns_per_switch() const;
  std::optional<double> ns_per_round() const;
  std::optional<double> jain() const;
  std::optional<double> max_min_ratio() const;
  // What that one of pmu_events was on all CPUs; nothing unless every one counted it all the time.
  std::optional<std::uint64_t> pmu_count(std::size_t event) const;
  // What that is called as a counter of the record: "pmu_cycles".
  std::string pmu_name(std::size_t event) const { return "pmu_" + pmu_events[event]; }
  // What part of all rounds the CPUs of that package made.
  double share_of_package(unsigned package) const;
};

// A window for CPUs in the order of `pus`, with their packages and nothing else; and that with what counters there are.
Window empty_window(const topology::Layout& layout, std::span<const unsigned> pus);
Window empty_window(const Bench& bench, std::span<const unsigned> pus);

// Sums up what its CPUs have: how far those that have a length of time ran together, and what does not add up.
void sum_up(Window& window, std::vector<std::string> audit = {});

// Notes what judge() looks at and is the same for every window there, and judges: what does not add up is a reason, too.
void judge(const Bench& bench, const WindowTimes& times, Window& window);

// Runs `load` once on those PUs, emulated CPU i on pus[i]. Throws topology::BindError when a thread cannot
// be pinned.
Window run_window(Bench& bench, workload::Load& load, const std::vector<unsigned>& pus,
                  const WindowTimes& times);

}  // namespace mmscale::measure
