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
        nodes_(2 * leaves_),
        times_(leaves_, kNever) {
    count_from(0);
  }

  // CPU `cpu` goes on at `time`. Until when it would be the earliest if it went on later: it is while its time is before
  // that, and maybe longer.
  MMSCALE_INLINE Picoseconds set(std::uint32_t cpu, Picoseconds time) {
    times_[cpu] = time;
    if (time < epoch_) count_from(time);
    const Turn own = turn_of(cpu);
    Turn others = kNever;
    std::size_t node = leaves_ + cpu;
    nodes_[node] = own;
    for (; node > 1; node /= 2) {
      others = std::min(others, nodes_[node ^ 1]);
      nodes_[node / 2] = std::min(own, others);
    }
    const Picoseconds near = others >> bits_;
    return epoch_ + std::min(near, never_ - 1) + (near < never_ - 1 && cpu < cpu_of(others));
  }
  // The same without an answer: goes up no further than what is there changes.
  void change(std::uint32_t cpu, Picoseconds time) {
    times_[cpu] = time;
    if (time < epoch_) count_from(time);
    Turn own = turn_of(cpu);
    for (std::size_t node = leaves_ + cpu; nodes_[node] != own; node /= 2) {
      nodes_[node] = own;
      own = std::min(own, nodes_[node ^ 1]);
    }
  }
  Picoseconds of(std::uint32_t cpu) const { return times_[cpu]; }

  // The earliest, and when it goes on; of several the one with the lowest number.
  std::uint32_t next() {
    if (nodes_[1] >> bits_ == never_ - 1) count_from(*std::min_element(times_.begin(), times_.end()));
    return cpu_of(nodes_[1]);
  }
  Picoseconds time() { return times_[next()]; }

 private:
  // Time since the epoch, then CPU: ordered as one number. With 1,536 CPUs and their store buffers, time has room for 75
  // minutes; all that is later is far, never_ - 1, and the epoch is set anew when nobody is nearer.
  using Turn = std::uint64_t;

  std::uint32_t cpu_of(Turn turn) const { return static_cast<std::uint32_t>(turn & (leaves_ - 1)); }
  Turn turn_of(std::uint32_t cpu) const {
    const Picoseconds time = times_[cpu];
    return (time == kNever ? never_ : std::min(time - epoch_, never_ - 1)) << bits_ | cpu;
  }
  void count_from(Picoseconds epoch) {
    epoch_ = epoch;
    for (std::uint32_t cpu = 0; cpu < leaves_; ++cpu) nodes_[leaves_ + cpu] = turn_of(cpu);
    for (std::size_t node = leaves_; --node > 0;)
      nodes_[node] = std::min(nodes_[2 * node], nodes_[2 * node + 1]);
  }

  int bits_;
  Picoseconds never_;
  Picoseconds epoch_ = 0;
  std::size_t leaves_;
  // The root is 1, the children of n are 2n and 2n + 1. Number 0 is 0: nobody is earlier.
  std::vector<Turn> nodes_;
  std::vector<Picoseconds> times_;
};

}  // namespace mmscale::machine::simulator
