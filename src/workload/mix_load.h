// SPDX-License-Identifier: MIT
//
// Workload `mix`: user -> idle -> user, with a thread's exit every so many switches. The same as pattern
// `exit`, but lives of any length cost no memory, so that a million switches between two exits do not sweep
// the caches with steps.
#pragma once

#include <cstdint>
#include <memory>

#include "workload/load.h"
#include "workload/patterns.h"
#include "workload/program.h"

namespace mmscale::workload {

// The steps of a life on each CPU: wait to be born; one round of user -> idle; user -> exit. Threads of CPUs
// of one group share an mm; the last one to exit bears the next process. Pattern `exit` with the shortest life that has a
// round, whatever `parameters` say of that.
Program mix_program(const PatternParameters& parameters);

// Runs a load of mix_program so that each CPU's thread makes `lifetime` switches from birth to death; 0: it
// never exits while the load runs. A round is two switches. `lifetime` must be even. Throws
// std::invalid_argument otherwise.
std::unique_ptr<Load> make_mix_load(std::unique_ptr<Load> of_mix_program, std::uint64_t lifetime);

}  // namespace mmscale::workload
