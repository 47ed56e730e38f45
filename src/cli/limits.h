// SPDX-License-Identifier: MIT
// No input makes a command of a made-up world (topo, sim, replay, check) run without end.
#pragma once

#include <chrono>

namespace mmscale::cli {

// A topology is shown in a second, a campaign of the simulator or the explorer in minutes or hours.
inline constexpr std::chrono::seconds kToShow{60};
inline constexpr std::chrono::hours kToRun{8};

// Ends the process with status 1 after a line on standard error when it has used `most` of CPU time from now on, all
// threads together. A limit that the process has already (ulimit -t), of any length, takes this one's place.
void limit_cpu_time(std::chrono::seconds most);

}  // namespace mmscale::cli
