// SPDX-License-Identifier: MIT
//
// What timing a thing with the CPU's counter adds to its time, and how finely it can be told.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "machine/silicon/clock.h"

namespace mmscale::measure {

struct ClockCost {
  // The median difference of two readings with nothing between them. It is in every time that was taken with
  // one reading before and one after; nothing is subtracted for it.
  double ticks = 0;
  // The clock's step: the 1st percentile of the differences above zero. Times near it are not told
  // apart: where the counter moves in steps of many ticks (some 10 ns at once on AMD CPUs), a short time is
  // one of few values, and its median with it. A mean of many is not affected.
  double step_ticks = 0;
};

// Of this CPU. Takes some 10 us.
inline ClockCost clock_cost() {
  std::array<std::uint64_t, 401> differences;
  for (std::uint64_t& difference : differences) {
    const std::uint64_t begin = machine::silicon::ticks();
    difference = machine::silicon::ticks() - begin;
  }
  std::sort(differences.begin(), differences.end());
  const auto above_zero = std::upper_bound(differences.begin(), differences.end(), std::uint64_t{0});
  const auto step = above_zero + (differences.end() - above_zero) / 100;
  return {static_cast<double>(differences[differences.size() / 2]),
          step == differences.end() ? 0 : static_cast<double>(*step)};
}

}  // namespace mmscale::measure
