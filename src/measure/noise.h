// SPDX-License-Identifier: MIT
//
// How quiet each CPU is: a thread on it does nothing but look at the clock, and whatever comes in between shows.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

  double lost_share() const {
    return account.elapsed_ns > 0 ? static_cast<double>(lost_ns) / static_cast<double>(account.elapsed_ns)
                                  : 0;
  }
};

// Looks for so long at all of these CPUs at once.
std::vector<CpuNoise> look_at_noise(machine::silicon::Pool& pool, std::span<const unsigned> cpus,
                                    std::chrono::nanoseconds length);

// Interrupts that each CPU has taken, by the name that people know: "eth0-rx-3", "LOC (Local timer interrupts)".
using Interrupts = std::map<std::string, std::vector<std::int64_t>>;
// The text of /proc/interrupts; counts are in the order of `cpus`.
Interrupts parse_interrupts(std::string_view text, std::span<const unsigned> cpus);

// The most frequent ones of CPU cpus[index] between two readings, as rates in 1/s, at most three, the first first.
std::vector<std::pair<std::string, double>> busiest(const Interrupts& before, const Interrupts& after,
                                                    std::size_t index, double seconds);

}  // namespace mmscale::measure
