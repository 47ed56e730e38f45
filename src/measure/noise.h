// SPDX-License-Identifier: MIT
//
// How quiet each CPU is: a thread on it does nothing but look at the clock, and whatever comes in between shows.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "machine/silicon/pool.h"
#include "measure/account.h"

namespace mmscale::measure {

// Of one CPU, while all of those looked at were busy.
struct CpuNoise {
  unsigned cpu = 0;
  CpuAccount account;
  std::optional<std::int64_t> waited_ns;  // behind other tasks
  std::int64_t lost_ns = 0;               // in gaps between two looks that took above a microsecond
  std::int64_t gaps = 0;                  // how many of these

  bool answered() const { return account.elapsed_ns > 0; }
  double lost_share() const {
    return answered() ? static_cast<double>(lost_ns) / static_cast<double>(account.elapsed_ns) : 0;
  }
};

struct Noise {
  std::vector<CpuNoise> cpus;
  // Why some did not answer, in one line; empty if all did.
  std::string missing;
};

// Looks for so long at all of these CPUs at once; at those that answer.
Noise look_at_noise(machine::silicon::Pool& pool, std::span<const unsigned> cpus,
                    std::chrono::nanoseconds length);

}  // namespace mmscale::measure
