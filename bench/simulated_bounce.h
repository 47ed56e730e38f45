// SPDX-License-Identifier: MIT
//
// Family `bounce` of a simulated machine: of exchanges, and of any scheme.
#pragma once

#include <vector>

#include "bench/families.h"
#include "measure/findings.h"
#include "measure/window.h"
#include "topology/layout.h"
#include "workload/simulator_loads.h"

namespace mmscale::bench {

// The cases of family `bounce`, of which those in virtual time are made.
std::vector<Case> bounce_cases(const topology::Layout& layout, const Choice& choice);

// The figures of bounce_findings() of the watched line that changed hands most often in the window, as the line itself
// knows them, and in the details which line that is. Throws std::runtime_error if the load is Bouncing and its exchanges
// say anything else.
measure::Findings simulated_bounce_findings(const workload::SimulatorLoad& load,
                                            const topology::Layout& layout, const std::vector<unsigned>& pus,
                                            const measure::Window& window);

}  // namespace mmscale::bench
