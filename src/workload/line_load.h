// SPDX-License-Identifier: MIT
//
// How long one cache line takes from one CPU to another: two CPUs write it in turns, pair after pair.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "workload/load.h"

namespace mmscale::workload {

// Told of every visit to a pair, by the pair's first CPU when it has made its last move: CPUs `a` < `b` passed a line to and
// fro kLineRoundTrips times in so many ticks of a's counter. Visits to different pairs may be told at once.
using LineObserver = std::function<void(unsigned a, unsigned b, std::uint64_t ticks)>;

// Round trips timed in a visit, and those before them that bring line and clocks to speed.
inline constexpr std::uint64_t kLineRoundTrips = 128;
inline constexpr std::uint64_t kLineWarmRoundTrips = 16;

// One round visits every pair of CPUs once, one pair at a time; the others wait, each on a line of its own,
// so that nothing of theirs is on the move. A visit is a ping-pong by compare-and-swap, tried until it
// succeeds, as the tools do whose figures are published: a round trip is two transfers, one way half of it.
// Each pair has a page of its own, or where that would be above 32 MiB lines of its own, fresh for every window, on node
// `home_node`. `observer` may be none.
std::unique_ptr<Load> make_line_load(unsigned cpus, unsigned home_node, LineObserver observer);

}  // namespace mmscale::workload
