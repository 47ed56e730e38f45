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
  explicit Turns(std::uint32_t cpus) : leaves_(std::bit_ceil(std::size_t{cpus})), nodes_(2 * leaves_) {
    for (std::uint32_t cpu = 0; cpu < leaves_; ++cpu) set(cpu, kNever);
  }

  // CPU `cpu` goes on at `time`.
  MMSCALE_INLINE void set(std::uint32_t cpu, Picoseconds time) {
    Turn earliest = Turn{time} << 64 | cpu;
    std::size_t node = leaves_ + cpu;
    nodes_[node] = earliest;
    for (; node > 1; node /= 2) {
      earliest = std::min(earliest, nodes_[node ^ 1]);
      nodes_[node / 2] = earliest;
    }
  }
  Picoseconds of(std::uint32_t cpu) const { return static_cast<Picoseconds>(nodes_[leaves_ + cpu] >> 64); }

  // The earliest, and when it goes on; of several the one with the lowest number.
  std::uint32_t next() const { return static_cast<std::uint32_t>(nodes_[1]); }
  Picoseconds time() const { return static_cast<Picoseconds>(nodes_[1] >> 64); }

 private:
  // Time, then CPU: ordered as one number.
  __extension__ using Turn = unsigned __int128;

  std::size_t leaves_;
  // The root is 1, the children of n are 2n and 2n + 1.
  std::vector<Turn> nodes_;
};

}  // namespace mmscale::machine::simulator
