// SPDX-License-Identifier: MIT
#include "workload/simulated_bounce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <vector>

#include "machine/simulator/model_file.h"
#include "workload/patterns.h"

namespace mmscale::workload {
namespace {

using machine::simulator::HandOver;
using machine::simulator::kReaches;
using machine::simulator::load_model;
using machine::simulator::Model;
using machine::simulator::reach;
using Matrix = std::vector<std::vector<std::uint64_t>>;

// As far apart as they can be, or next to each other.
std::vector<unsigned> pus_of(const Model& model, unsigned cpus, bool apart = true) {
  std::vector<unsigned> pus;
  for (unsigned i = 0; i < cpus; ++i)
    pus.push_back(model.layout.pus[apart ? i * model.layout.pus.size() / cpus : i].os_index);
  return pus;
}

// All CPUs make so many exchanges, but for the first ones outside of their windows.
void exchange(SimulatedBounce& load, unsigned rounds) {
  load.run_all([&](unsigned cpu) {
    load.run(cpu, 3 + cpu % 2);
    load.open_window(cpu);
    load.run(cpu, rounds);
    load.close_window(cpu);
    load.run(cpu, 5);
  });
}

Matrix lines_own(const SimulatorLoad& load) {
  Matrix taken(load.cpus(), std::vector<std::uint64_t>(load.cpus()));
  for (const HandOver& use : load.hand_overs()) ++taken[use.to][use.from];
  return taken;
}

// Of every protocol, of threads that share a core, and of many domains.
TEST(SimulatedBounce, TheLineAndTheExchangesCountTheSame) {
  for (const auto& [name, most, apart] : {std::tuple{"e5-2630v4-2s", 48u, true},
                                          {"power8-16s", 48, true},
                                          {"westmere-8s", 48, true},
                                          {"westmere-8s", 3, false},
                                          {"epyc7742-2s", 48, true},
                                          {"graviton1", 48, true}}) {
    const Model model = load_model(name);
    const unsigned cpus = std::min(static_cast<unsigned>(model.layout.pus.size()), most);
    const auto load =
        make_simulated_bounce({.scheme = {}, .model = &model, .pus = pus_of(model, cpus, apart)});
    exchange(*load, 40);
    const Matrix own = lines_own(*load);
    std::uint64_t all = 0;
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
      EXPECT_THAT(own[cpu], ::testing::ElementsAreArray(load->taken_from(cpu))) << name << " cpu " << cpu;
      std::uint64_t row = 0;
      for (const std::uint64_t count : own[cpu]) row += count;
      EXPECT_EQ(row, 40u) << name << " cpu " << cpu;
      all += row;
    }
    EXPECT_EQ(all, 40u * cpus);
    EXPECT_THAT(load->audit(), ::testing::IsEmpty()) << name;
  }
}

// What the protocol counted by distance is what the uses say of who had it.
TEST(SimulatedBounce, UsesAgreeWithTheTransfersOfTheLine) {
  const Model model = load_model("e5-2630v4-2s");
  const auto pus = pus_of(model, 20);
  const SimulatorSpec spec{.scheme = "refcount", .model = &model, .pus = pus};
  const auto load =
      make_simulator_load(spec, find_pattern("idle")->build({.groups = std::vector<unsigned>(20, 0)}));
  load->watch();
  load->run_all([&](unsigned cpu) {
    load->boot(cpu, cpu);
    load->open_window(cpu);
    load->run(cpu, 30);
    load->close_window(cpu);
    load->finish(cpu);
  });
  const auto places = places_of(*spec.model, spec.pus);
  std::vector<std::array<std::uint64_t, kReaches>> by_line(load->world().lines().size());
  for (const HandOver& use : load->world().hand_overs())
    if (use.to != use.from)
      ++by_line[use.line][static_cast<std::size_t>(reach(places[use.to], places[use.from]))];
  std::uint64_t most = 0;
  for (std::uint32_t line = 0; line < by_line.size(); ++line) {
    const machine::simulator::LineStatistics& statistics = load->world().lines().statistics(line);
    std::uint64_t uses = 0;
    for (const std::uint64_t count : by_line[line]) uses += count;
    if (uses == 0) continue;
    // Between siblings it also changes hands within the core, which is no transfer.
    for (std::size_t r = 1; r < kReaches; ++r)
      EXPECT_EQ(by_line[line][r], statistics.moved[r] + statistics.copied[r]) << line << " " << r;
    most = std::max(most, uses);
  }
  EXPECT_GT(most, 20u * 30u);
}

TEST(SimulatedBounce, OneCpuHasNobodyToTakeItFrom) {
  const Model model = load_model("e5-2630v4-2s");
  EXPECT_THROW(make_simulated_bounce({.scheme = {}, .model = &model, .pus = pus_of(model, 1)}),
               std::invalid_argument);
}

}  // namespace
}  // namespace mmscale::workload
