// SPDX-License-Identifier: MIT
//
// How quiet each CPU is: a thread on it does nothing but look at the clock, and whatever comes in between shows.
#pragma once

#include <chrono>
#include <cstdint>
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

// A row of /proc/interrupts: "RES", "Rescheduling interrupts", what each CPU has taken.
struct InterruptRow {
  std::string name;
  std::string description;
  std::vector<std::int64_t> counts;
};

// Its text; counts are in the order of `cpus`. Rows that count for the machine and not for each CPU (ERR, MIS) are left out.
std::vector<InterruptRow> parse_interrupts(std::string_view text, std::span<const unsigned> cpus);

// The most frequent ones of CPU cpus[index] between two readings, as rates in 1/s, at most three, the first first.
std::vector<std::pair<std::string, double>> busiest(std::span<const InterruptRow> before,
                                                    std::span<const InterruptRow> after, std::size_t index,
                                                    double seconds);

}  // namespace mmscale::measure
