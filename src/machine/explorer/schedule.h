// SPDX-License-Identifier: MIT
//
// An execution in one line, to be printed and run again: the memory model and what happened next, each time.
//
//   tso:0*12,1*3,1i,1*4,0d
//
// is CPU 0 twelve steps, CPU 1 three, CPU 1 takes an interrupt, four more steps, and the oldest store of CPU
// 0's buffer reaches memory. `d7` is store number 7 of that CPU, for pso. Under rc11 `1-2` is a step of CPU 1 that
// reads what two stores are newer than, or a store that lands before two that are there. Every operation is a step here,
// none is left out, so that a schedule means the same in every build of the same source.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "machine/explorer/transition.h"

namespace mmscale::machine::explorer {

struct Schedule {
  Memory memory = Memory::sc;
  std::vector<Transition> transitions;

  bool operator==(const Schedule&) const = default;
};

std::string to_string(const Schedule& schedule);

// Throws std::invalid_argument, saying where.
Schedule parse_schedule(std::string_view text);

}  // namespace mmscale::machine::explorer
