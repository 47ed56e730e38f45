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

// incdec, private: as the floors of the same names (floor_loads.h). apart: as real users of a count have it,
// who do something while they hold it, so that the line is fetched twice. walk: a path that writes several
// lines. add: one atomic increment of a shared line; pass, pass-read: in turn. count: a shared counter read and
// written by plain accesses, then a full fence. ticket, ticket-add, clh, mcs: a lock taken and released; all
// four serve who came first. cas: who finds another value tries again with that one; on a model without chance
// the same CPUs win again and again.
std::span<const SimulatedLoop> simulated_loops();

struct LoopSpec {
  std::string_view name;
  const machine::simulator::Model* model = nullptr;
  // As in SimulatorSpec.
  std::vector<unsigned> pus;
  unsigned home_node = 0;
  // What the loop itself takes after each round, and a critical section or before each try of cas: computing, which the core's other
  // hardware threads slow down. A delay they do not: waiting for a clock.
  double between_ns = 0;
  double inside_ns = 0;
  double delay_ns = 0;
  // walk: how many.
  std::uint32_t lines = 4;
};

// Throws std::invalid_argument for another name, or PUs and nodes that the model does not have.
std::unique_ptr<SimulatorLoad> make_simulated_loop(const LoopSpec& spec);

}  // namespace mmscale::workload
