// SPDX-License-Identifier: MIT
//
// What family `bounce` makes of counted exchanges: the same figures from silicon and from the simulator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "bench/families.h"
#include "measure/findings.h"
#include "topology/distance.h"
#include "topology/layout.h"
#include "workload/bounce_load.h"
#include "workload/simulator_loads.h"

namespace mmscale::bench {

// taken[i][j]: exchanges of position i that returned the number of position j.
using Transfers = std::vector<std::vector<std::uint64_t>>;

struct Bounced {
  Transfers taken;
  // Median time of an exchange, by where the line came from; from sampled exchanges.
  std::map<topology::Distance, double> wait_ns;
  // Where an exchange is not a round.
  std::optional<double> per_second;
};

// A matrix of more groups is not recorded: 64 x 64 counts are some 30 kB in a record file.
inline constexpr std::size_t kMostBounceGroups = 64;

// Of what every CPU has counted in its window.
Transfers transfers_of(const workload::Bouncing& load, unsigned cpus);

// The figures of docs/records-families.md, and the matrix folded to every level that has 2 to
// kMostBounceGroups groups. `pus`: the machine's CPUs by position.
measure::Findings bounce_findings(const topology::Layout& layout, const std::vector<unsigned>& pus,
                                  const Bounced& bounced, const measure::Window& window);

// The cases of family `bounce`, of which those in virtual time are made.
std::vector<Case> bounce_cases(const topology::Layout& layout, const Choice& choice);

// The figures of bounce_findings() of the watched line that changed hands most often in the window, as the line itself
// knows them, and in the details which line that is. Throws std::runtime_error if the load is Bouncing and its exchanges
// say anything else.
measure::Findings simulated_bounce_findings(const workload::SimulatorLoad& load,
                                            const topology::Layout& layout, const std::vector<unsigned>& pus,
                                            const measure::Window& window);

}  // namespace mmscale::bench
