// SPDX-License-Identifier: MIT
//
// How much time something else took from a thread that does nothing but look at the clock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "machine/silicon/clock.h"

namespace mmscale::workload {

// Spins, taking interrupts, and adds up the gaps between readings of the CPU's counter that are longer than
// usual. It sees everything that keeps the loop from turning: interrupts and their handlers, but also timer
// ticks and whatever a hypervisor does, and lines that the handlers left cold. Gaps below three times the
// usual one are not seen.
class Interruptions {
 public:
  // Finds out what is usual here: the median gap of some thousand turns.
  template <class Machine>
  void calibrate(Machine& m) {
    std::vector<std::uint64_t> gaps;
    gaps.reserve(kTurns);
    std::uint64_t last = machine::silicon::ticks();
    while (gaps.size() < kTurns) {
      m.take_interrupts();
      const std::uint64_t now = machine::silicon::ticks();
      gaps.push_back(now - last);
      last = now;
    }
    const auto middle = gaps.begin() + kTurns / 2;
    std::nth_element(gaps.begin(), middle, gaps.end());
    usual_ = *middle;
    // A counter that moves in large steps shows most turns as zero; one step is then no gap.
    const auto high = gaps.begin() + kTurns * 99 / 100;
    std::nth_element(gaps.begin(), high, gaps.end());
    threshold_ = std::max(3 * usual_, 2 * *high);
  }

  // Until `done`; the time lost, in ticks. The turn in which `done` is seen does not count: it waits for the
  // line that says so.
  template <class Machine, class Done>
  std::uint64_t spin_until(Machine& m, Done&& done) const {
    std::uint64_t lost = 0;
    for (std::uint64_t last = machine::silicon::ticks(); !done();) {
      m.take_interrupts();
      const std::uint64_t now = machine::silicon::ticks();
      if (const std::uint64_t gap = now - last; gap > threshold_) lost += gap - usual_;
      last = now;
    }
    return lost;
  }

 private:
  static constexpr std::size_t kTurns = 2000;

  std::uint64_t usual_ = 0;
  std::uint64_t threshold_ = 0;
};

}  // namespace mmscale::workload
