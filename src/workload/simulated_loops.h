// SPDX-License-Identifier: MIT
//
// Bare loops in virtual time: what published microbenchmarks run, so that a model can be held against them,
// and what a figure consists of before any kernel is emulated.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "workload/simulator_loads.h"

namespace mmscale::workload {

struct SimulatedLoop {
  std::string_view name;
  std::string_view what;  // one round of it
};

// incdec, private: as the floors of the same names (floor_loads.h). add: one atomic increment of a shared
// line; pass, pass-read: in turn. count: a shared counter read and written by plain accesses, then a full
// fence. ticket, clh, mcs: a lock taken and released; all three serve who came first. Where chance decides
// who is next (test-and-set, compare-and-swap until it succeeds) a model without chance lets one CPU wait for
// ever.
std::span<const SimulatedLoop> simulated_loops();

struct LoopSpec {
  std::string_view name;
  const machine::simulator::Model* model = nullptr;
  // As in SimulatorSpec.
  std::vector<unsigned> pus;
  unsigned home_node = 0;
  // What the loop itself takes after each round, and a critical section.
  machine::simulator::Picoseconds between = 0;
  machine::simulator::Picoseconds inside = 0;
};

// Throws std::invalid_argument for another name, or PUs and nodes that the model does not have.
std::unique_ptr<SimulatorLoad> make_simulated_loop(const LoopSpec& spec);

}  // namespace mmscale::workload
