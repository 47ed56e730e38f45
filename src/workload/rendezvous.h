// SPDX-License-Identifier: MIT
//
// Where all CPUs meet.
#pragma once

#include <atomic>
#include <cstdint>

#include "machine/machine.h"

namespace mmscale::workload {

// `Word`: the atomic of whatever Machine is given to meet.
template <class Word>
class Rendezvous {
 public:
  // Waits until all CPUs have called it as often as this one, taking interrupts meanwhile. What they did before is seen
  // behind it. A machine that can wait without a look at the line does: no meeting is in a measured window, and n
  // waiters that read again after each of n arrivals are nearly all that simulating many CPUs would take.
  template <class M>
  void meet(M&& m) {
    const std::uint64_t n = m.cpus();
    const std::uint64_t all = (m.fetch_add(arrivals_, 1, std::memory_order_acq_rel) / n + 1) * n;
    const auto met = [all](std::uint64_t arrivals) { return arrivals >= all; };
    if constexpr (requires { m.await(arrivals_, met); })
      m.await(arrivals_, met);
    else
      m.spin_until(arrivals_, met);
  }

 private:
  alignas(machine::kApart) Word arrivals_{0};
};

}  // namespace mmscale::workload
