// SPDX-License-Identifier: MIT
//
// What an inter-processor interrupt costs by itself: CPU 0 calls an empty function on other CPUs and waits,
// over and over (smp_call_function_many with wait=1). No mm, no scheme.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "machine/machine.h"
#include "workload/load.h"

namespace mmscale::workload {

// Told of every call, by CPU 0, between calls: it took so many ticks of CPU 0's counter. `tally` is of all calls so far.
using IpiObserver = std::function<void(std::uint64_t ticks, const machine::IpiTally& tally)>;

struct IpiSpec {
  // One of machine::silicon::transport_names().
  std::string_view transport;
  unsigned cpus = 2;
  // CPUs 1 to `targets` are called; the others do as targets do, uncalled. At least 1, fewer than `cpus`.
  unsigned targets = 1;
};

// What the targets do meanwhile. A transport that interrupts (signal) finds them computing, interrupts on;
// one that has to be looked for (doorbell), or whose handler runs at the next enable point (membarrier),
// passes enable points.
enum class TargetDoes { enable_points, compute };
TargetDoes target_does(std::string_view transport);
std::string_view to_string(TargetDoes does);

// One round of CPU 0 is one call; one of any other CPU a microsecond or less of what targets do. `observer`
// may be none. Throws std::invalid_argument for a bad number of targets, and what
// transports throw.
std::unique_ptr<Load> make_ipi_load(const IpiSpec& spec, IpiObserver observer);

}  // namespace mmscale::workload
