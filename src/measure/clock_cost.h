// SPDX-License-Identifier: MIT
//
// What timing a thing adds to its time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "machine/silicon/clock.h"

namespace mmscale::measure {

// The median of many differences of two readings of the CPU's counter with nothing between them, in ticks. It
// is in every time that was taken with one reading before and one after; nothing is subtracted for it.
inline double clock_cost_ticks() {
  std::array<std::uint64_t, 201> differences;
  for (std::uint64_t& difference : differences) {
    const std::uint64_t begin = machine::silicon::ticks();
    difference = machine::silicon::ticks() - begin;
  }
  const auto middle = differences.begin() + differences.size() / 2;
  std::nth_element(differences.begin(), middle, differences.end());
  return static_cast<double>(*middle);
}

}  // namespace mmscale::measure
