// SPDX-License-Identifier: MIT
//
// Who got a line from whom, as the line itself knows it: what silicon only tells where the line's value does.
#pragma once

#include <cstdint>

#include "machine/simulator/model.h"

namespace mmscale::machine::simulator {

// One use of a line by a hardware thread that wrote it, or that took it from who had written it.
struct HandOver {
  std::uint32_t line;
  std::uint32_t to;
  // Who used it as its owner before; `to` itself if it still had it.
  std::uint32_t from;
  // From asking for it to having it; 0 if it was there.
  Picoseconds took;
};

}  // namespace mmscale::machine::simulator
