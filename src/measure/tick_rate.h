// SPDX-License-Identifier: MIT
//
// What a tick of the CPU's own counter is in nanoseconds, measured over the same window as what it timed.
#pragma once

#include <cstdint>

#include "machine/silicon/clock.h"

namespace mmscale::measure {

// The counter is read next to CLOCK_MONOTONIC at both ends. A window of 20 ms leaves an error of some 10^-5:
// each reading of the pair is apart from the other by less than 100 ns, unless something comes in between.
class TickRate {
 public:
  void begin() { begin_ = now(); }
  void end() { end_ = now(); }

  // 0 unless time has passed between begin and end.
  double ns_per_tick() const {
    return end_.ticks > begin_.ticks
               ? static_cast<double>(end_.ns - begin_.ns) / static_cast<double>(end_.ticks - begin_.ticks)
               : 0;
  }

 private:
  struct Reading {
    std::uint64_t ns = 0;
    std::uint64_t ticks = 0;
  };
  static Reading now() { return {machine::silicon::now_ns(), machine::silicon::ticks()}; }

  Reading begin_;
  Reading end_;
};

}  // namespace mmscale::measure
