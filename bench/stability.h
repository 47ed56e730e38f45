// SPDX-License-Identifier: MIT
//
// Whether the windows of a figure measured one thing. A median and its interval say nothing of that: six
// windows of 25 ns and three of 73 have a median of 25 ns.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace mmscale::bench {

// Values that lie together.
struct Mode {
  double median = 0;
  std::size_t windows = 0;
};

// Neighbours among the sorted values that are further apart than this factor belong to different modes. Windows
// of an undisturbed latency are within a few per cent of each other; a cache line between two sockets takes
// three times what it takes within one.
inline constexpr double kModeGap = 1.25;
// Values without such a gap that still reach over this factor from the least to the greatest do not settle.
inline constexpr double kStableRange = 1.5;

struct Stability {
  std::vector<Mode> modes;  // by rising median
  double least = 0;
  double greatest = 0;

  bool stable() const { return modes.size() <= 1 && greatest <= kStableRange * least; }
};

// Of positive values; no modes for none.
Stability stability_of(std::span<const double> values);

// "UNSTABLE: 24.6 ns in 6 windows, 73.1 ns in 3 windows", "UNSTABLE: anything from 20 to 40 ns"; empty if it is stable.
std::string complaint(const Stability& stability);

}  // namespace mmscale::bench
