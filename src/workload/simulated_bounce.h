// SPDX-License-Identifier: MIT
//
// Who hands a contended line to whom, in virtual time: the exchanges of bounce_load.h on a simulated machine.
#pragma once

#include <memory>

#include "workload/bounce_load.h"
#include "workload/simulator_loads.h"

namespace mmscale::workload {

// A Load that watches its line itself, so that the exchanges' count stands beside the line's own.
class SimulatedBounce : public SimulatorLoad, public Bouncing {};

// Of `place` the scheme and what belongs to it are not used. Throws std::invalid_argument for fewer than 2 CPUs, and for
// PUs and nodes that the model does not have.
std::unique_ptr<SimulatedBounce> make_simulated_bounce(const SimulatorSpec& place);

}  // namespace mmscale::workload
