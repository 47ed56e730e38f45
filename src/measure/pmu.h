// SPDX-License-Identifier: MIT
//
// The CPU's own event counters around a window, through libpfm4 and perf_event_open(2): cycles, instructions,
// and loads that another core's modified line had to serve (HITM) where the CPU has such an event.
#pragma once

#include <linux/perf_event.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "topology/fd.h"

namespace mmscale::measure {

// More than cycles, instructions and two kinds of HITM nobody asks for, and more than four general counters
// are not to be had on every CPU.
inline constexpr std::size_t kMostPmuEvents = 4;

// Something to count, and what it is called where: the first of libpfm4's names that this CPU has is taken.
struct PmuRequest {
  std::string_view name;  // ours: "cycles"
  std::vector<const char*> events;
};

// cycles, instructions, hitm_local, hitm_remote. The last two are Intel's MEM_LOAD_*_HIT_RETIRED:XSNP_HITM
// (from Ice Lake on XSNP_FWD, which is the same event) and MEM_LOAD_*_MISS_RETIRED:REMOTE_HITM. AMD's
// fill-source events do not tell a modified line from another.
std::span<const PmuRequest> standard_pmu_requests();

// One event that this machine counts.
struct PmuEvent {
  std::string name;
  std::string event;  // libpfm4's name
  perf_event_attr attributes = {};
};

// What can be counted here. Every request that cannot says why.
struct Pmu {
  std::vector<PmuEvent> events;
  // "cycles: ..." for each request without an event.
  std::vector<std::string> missing;
  // Whether what the kernel does for a thread is counted, too; without privileges perf_event_paranoid forbids
  // it from 2 on.
  bool kernel_too = false;

  // "unavailable (reason)" if nothing can be counted; else what is, where.
  std::string summary() const;
};

// Tries every request on the calling thread. At most kMostPmuEvents of them are taken.
Pmu probe_pmu(std::span<const PmuRequest> requests);

// probe_pmu(standard_pmu_requests()), once in the life of a process.
const Pmu& this_pmu();

// What a thread counted, in the order of Pmu::events. Empty where the counter was not running all the time
// (others wanted it): a part is not scaled up to a guess of the whole.
using PmuReading = std::array<std::optional<std::uint64_t>, kMostPmuEvents>;

// The counters of the thread that made it; must be used by that thread only. Without events it does nothing.
class PmuCounters {
 public:
  // Counters that cannot be had by this thread stay empty.
  explicit PmuCounters(const Pmu& pmu);

  // One system call each: all counters start and stop together.
  void begin();
  void end();

  // Of the time from the last begin to the last end.
  PmuReading reading() const;

 private:
  std::array<topology::Fd, kMostPmuEvents> fds_;
};

}  // namespace mmscale::measure
