// SPDX-License-Identifier: MIT
#include "workload/simulator_loads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "kernel/lifecycle/catalogue.h"
#include "machine/simulator/model_file.h"
#include "scheme/catalogue.h"
#include "workload/patterns.h"

namespace mmscale::workload {
namespace {

using machine::simulator::load_model;
using machine::simulator::Model;
using machine::simulator::Picoseconds;
using machine::simulator::Scheduling;

const Model& small_machine() {
  static const Model model = load_model("e5-2630v4-2s");
  return model;
}

struct Outcome {
  std::vector<Picoseconds> ends;
  std::vector<std::string> audit;
  std::uint64_t accesses = 0;
  kernel::Tally sum;

  bool operator==(const Outcome& other) const {
    return ends == other.ends && audit == other.audit && accesses == other.accesses &&
           sum.mm_count_ops() == other.sum.mm_count_ops() && sum.ipis_sent() == other.sum.ipis_sent();
  }
};

// `rounds` rounds on the first `cpus` CPUs, all in one mm.
Outcome simulate(const Model& model, std::string_view scheme, std::string_view lifecycle,
                 const Pattern& pattern, unsigned cpus, unsigned rounds,
                 Scheduling scheduling = Scheduling::run_on) {
  SimulatorSpec spec{.scheme = scheme, .lifecycle = lifecycle, .model = &model, .pus = {}};
  spec.scheduling = scheduling;
  for (unsigned cpu = 0; cpu < cpus; ++cpu) spec.pus.push_back(model.layout.pus[cpu].os_index);
  const std::vector<unsigned> groups(cpus, 0);
  const auto load = make_simulator_load(spec, pattern.build({.groups = groups, .think = 50, .lifetime = 6}));
  unsigned done = 0;
  load->run_all([&](unsigned cpu) {
    load->boot(cpu, cpu);
    load->run(cpu, rounds);
    if (++done == cpus) load->stop(cpu);
    load->finish(cpu);
  });
  Outcome outcome;
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    outcome.ends.push_back(load->now(cpu));
    outcome.sum += load->tally(cpu);
  }
  outcome.accesses = load->statistics().accesses;
  outcome.audit = load->audit();
  return outcome;
}

TEST(SimulatorLoad, EverySafeSchemeBalancesItsBooksUnderEveryWorkload) {
  for (const Pattern& pattern : patterns())
    for (const scheme::SchemeInfo* info : scheme::Catalogue::infos()) {
      const scheme::Safety* safety = info->under("powerpc");
      if (safety == nullptr || !safety->safe) continue;
      const Outcome outcome = simulate(small_machine(), info->name, "powerpc", pattern, 6, 10);
      EXPECT_THAT(outcome.audit, ::testing::IsEmpty()) << info->name << " " << pattern.name;
    }
}

TEST(SimulatorLoad, TheSameTwiceIsTheSameToTheBit) {
  for (const Pattern& pattern : patterns())
    for (const std::string_view scheme : {"refcount", "shootdown"}) {
      const Outcome first = simulate(small_machine(), scheme, "powerpc", pattern, 8, 10);
      EXPECT_EQ(first, simulate(small_machine(), scheme, "powerpc", pattern, 8, 10));
      EXPECT_EQ(first,
                simulate(small_machine(), scheme, "powerpc", pattern, 8, 10, Scheduling::always_queue));
    }
}

// Which of the kernel's variables share a line must not depend on what else is on the heap.
TEST(SimulatorLoad, WhereTheHeapPutsThingsChangesNothing) {
  const Model model = load_model("power8-16s");
  const Pattern& idle = *find_pattern("idle");
  const Outcome first = simulate(model, "refcount", "powerpc", idle, 600, 1);
  std::vector<std::unique_ptr<char[]>> others;
  for (const std::size_t bytes : {16, 32, 48}) {
    for (std::size_t i = 0; i < 100; ++i) others.push_back(std::make_unique<char[]>(16 * i + bytes));
    EXPECT_EQ(first, simulate(model, "refcount", "powerpc", idle, 600, 1)) << bytes;
  }
}

TEST(SimulatorLoad, SharingTheCountIsWhatRefcountPaysFor) {
  const Pattern& idle = *find_pattern("idle");
  const auto end = [&](std::string_view scheme, unsigned cpus) {
    return simulate(small_machine(), scheme, "powerpc", idle, cpus, 200).ends[0];
  };
  EXPECT_GT(end("refcount", 20), 4 * end("refcount", 1));
  EXPECT_LT(end("shootdown", 20), 2 * end("shootdown", 1));
}

// Every part of a CPU's time in its window is somewhere, and only once.
TEST(SimulatorLoad, WhereTheTimeWentAddsUpToTheTime) {
  for (const std::string_view scheme : {"refcount", "shootdown", "hazptr"})
    for (const std::string_view pattern : {"idle", "exit", "kthread"}) {
      SimulatorSpec spec{.scheme = scheme, .model = &small_machine(), .pus = {}};
      for (unsigned cpu = 0; cpu < 24; ++cpu) spec.pus.push_back(small_machine().layout.pus[cpu].os_index);
      const auto load = make_simulator_load(
          spec,
          find_pattern(pattern)->build({.groups = std::vector<unsigned>(24, 0), .think = 50, .lifetime = 6}));
      Picoseconds windows = 0;
      unsigned done = 0;
      load->run_all([&](unsigned cpu) {
        load->boot(cpu, cpu);
        // Until all have their bit in mm_cpumask.
        load->run(cpu, 20);
        load->open_window(cpu);
        const Picoseconds begin = load->now(cpu);
        load->run(cpu, 20);
        windows += load->now(cpu) - begin;
        load->close_window(cpu);
        if (++done == 24) load->stop(cpu);
        load->finish(cpu);
      });
      const machine::simulator::Spent spent = load->spent();
      EXPECT_EQ(spent.total(), windows) << scheme << " " << pattern;
      EXPECT_GT(spent.work, 0u);
      // The line of mm_count is what refcount waits for; IPIs are what others pay with, where an mm dies.
      if (pattern != "exit") {
        EXPECT_EQ(spent.waiting > windows / 4, scheme == "refcount") << scheme << " " << pattern;
      }
      EXPECT_EQ(spent.interrupts != 0, scheme != "refcount" && pattern == "exit") << scheme << " " << pattern;
    }
}

TEST(SimulatorLoad, EveryLifecycleRuns) {
  for (const std::string_view lifecycle : kernel::lifecycle::Catalogue::names())
    EXPECT_THAT(simulate(small_machine(), "refcount", lifecycle, *find_pattern("exit"), 4, 5).audit,
                ::testing::IsEmpty())
        << lifecycle;
}

TEST(SimulatorLoad, SaysWhatDoesNotExist) {
  const Pattern& idle = *find_pattern("idle");
  EXPECT_THROW(simulate(small_machine(), "nothing", "powerpc", idle, 1, 1), std::invalid_argument);
  EXPECT_THROW(simulate(small_machine(), "refcount", "vax", idle, 1, 1), std::invalid_argument);
  SimulatorSpec spec{.scheme = "refcount", .model = &small_machine(), .pus = {4711}};
  const std::vector<unsigned> one{0};
  EXPECT_THROW(make_simulator_load(spec, idle.build({.groups = one})), std::invalid_argument);
}

}  // namespace
}  // namespace mmscale::workload
