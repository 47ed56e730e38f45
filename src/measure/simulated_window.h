// SPDX-License-Identifier: MIT
//
// A measurement window in virtual time: the phases of window.h, on the fibers of a simulated load.
#pragma once

#include <vector>

#include "measure/window.h"
#include "topology/layout.h"
#include "workload/simulator_loads.h"

namespace mmscale::measure {

// Runs `load` once, emulated CPU i on pus[i] of `layout`. Virtual time knows no disturbance: a window is
// valid unless its books do not balance. Stamps are virtual, in ns from the load's start.
Window simulate_window(workload::SimulatorLoad& load, const topology::Layout& layout,
                       const std::vector<unsigned>& pus, const WindowTimes& times);

}  // namespace mmscale::measure
