// SPDX-License-Identifier: MIT
//
// A Load on threads, without a window round it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "kernel/tally.h"
#include "support/run_on_cpus.h"
#include "workload/load.h"

namespace mmscale::test {

// The process of each of two CPUs: one on both, or one on each.
using Groups = std::array<unsigned, 2>;
constexpr Groups kAll = {0, 0};
constexpr Groups kPrivate = {0, 1};

// Boots all CPUs, lets each make at least `rounds` rounds, and finishes. Who is done first goes on until the
// last one is: a CPU that stopped taking interrupts, or being born with the others, would hold them up.
// Returns the sum of what the CPUs counted.
inline kernel::Tally run_load(workload::Load& load, std::uint64_t rounds) {
  std::atomic<unsigned> done{0};
  run_on_cpus(load.cpus(), [&](unsigned cpu, unsigned os_cpu) {
    load.boot(cpu, os_cpu);
    load.run(cpu, rounds);
    done.fetch_add(1);
    while (done.load() != load.cpus()) load.run(cpu, 1);
    load.stop(cpu);
    load.finish(cpu);
  });
  kernel::Tally sum;
  for (unsigned cpu = 0; cpu < load.cpus(); ++cpu) sum += load.tally(cpu);
  return sum;
}

}  // namespace mmscale::test
