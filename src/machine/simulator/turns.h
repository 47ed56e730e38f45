// SPDX-License-Identifier: MIT
//
// Whose turn it is: when each CPU goes on, and who is the earliest. A tournament tree: a leaf for each CPU,
// and in each node the earlier of its two children. CPUs go on in lockstep, each a little later than before,
// which sinks to the bottom of a heap each time by comparisons that no branch predictor guesses; here a new
// time takes one comparison a level, without a branch.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "machine/machine.h"
#include "machine/simulator/model.h"

namespace mmscale::machine::simulator {

inline constexpr Picoseconds kNever = UINT64_MAX;

class Turns {
 public:
  // None of them ever goes on.
  explicit Turns(std::uint32_t cpus)
      : bits_(std::bit_width(cpus - 1)),
        never_(kNever >> bits_),
        leaves_(std::size_t{1} << bits_),
        nodes_(2 * leaves_) {
    for (std::uint32_t cpu = 0; cpu < leaves_; ++cpu) set(cpu, kNever);
  }

  // CPU `cpu` goes on at `time`. Until when it would be the earliest if it went on later: it is while its time is before
  // that.
  MMSCALE_INLINE Picoseconds set(std::uint32_t cpu, Picoseconds time) {
    const Turn own = std::min(time, never_) << bits_ | cpu;
    Turn others = kNever;
    std::size_t node = leaves_ + cpu;
    nodes_[node] = own;
    for (; node > 1; node /= 2) {
      others = std::min(others, nodes_[node ^ 1]);
      nodes_[node / 2] = std::min(own, others);
    }
    return (others >> bits_) + (cpu < cpu_of(others));
  }
  Picoseconds of(std::uint32_t cpu) const { return time_of(nodes_[leaves_ + cpu]); }

  // The earliest, and when it goes on; of several the one with the lowest number.
  std::uint32_t next() const { return cpu_of(nodes_[1]); }
  Picoseconds time() const { return time_of(nodes_[1]); }

 private:
  // Time, then CPU: ordered as one number. With 1,536 CPUs and their store buffers, times go to 75 minutes; what is later
  // never comes, and is reported as that.
  using Turn = std::uint64_t;

  std::uint32_t cpu_of(Turn turn) const { return static_cast<std::uint32_t>(turn & (leaves_ - 1)); }
  Picoseconds time_of(Turn turn) const { return turn >> bits_ == never_ ? kNever : turn >> bits_; }

  int bits_;
  Picoseconds never_;
  std::size_t leaves_;
  // The root is 1, the children of n are 2n and 2n + 1.
  std::vector<Turn> nodes_;
};

}  // namespace mmscale::machine::simulator
