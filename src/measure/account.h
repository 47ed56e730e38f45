// SPDX-License-Identifier: MIT
//
// Where the time of one CPU's window went. The kernel knows how long a thread was off its CPU, to less than a
// microsecond; only the stamps between batches know when the CPU itself stood still (interrupts, system management
// mode, a hypervisor that keeps no steal time, an emulator that was stopped) or was another one.
#pragma once

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "measure/disturbance.h"

namespace mmscale::measure {

// Between a CPU's first stamp and its last.
struct CpuAccount {
  std::int64_t elapsed_ns = 0;  // CLOCK_MONOTONIC
  std::optional<std::int64_t>
      ran_ns;  // the thread's CPU time; interrupts in it unless the kernel tells them apart
  std::int64_t longest_gap_ns = 0;  // between two stamps
  std::int64_t stalled_ns = 0;      // in batches that stood still, less what such batches usually take
  // In batches at the end of which the thread was on another CPU. A visit between two stamps is not seen.
  std::int64_t away_ns = 0;
  // Rounds, and what one took in the fastest batch: as fast may it have been while others were away. 0: not known.
  std::uint64_t rounds = 0;
  double fastest_round_ns = 0;
};

// Kept by the thread that it is of. Nothing in here is inside the loop that is measured: two clocks are read around
// the window, and what a batch leaves costs some nanoseconds.
class TimeKeeper {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  // A batch that takes longer than this, and kStallFactor times as long as such a batch usually takes, stood still
  // in the middle. CPUs that contend for a line keep each other for some microseconds at a time.
  static constexpr nanoseconds kStall{200'000};
  static constexpr double kStallFactor = 5;

  // Directly before the first stamp, on the thread that belongs on CPU `pu`. What earlier batches taught about the
  // usual one is kept.
  void open(unsigned pu) {
    pu_ = pu;
    account_ = {};
    ran_before_ = thread_cpu_time_ns();
  }

  // A batch of so many rounds has ended; glibc has the CPU's number at hand (rseq).
  void batch(nanoseconds took, std::uint64_t rounds) {
    account_.longest_gap_ns = std::max<std::int64_t>(account_.longest_gap_ns, took.count());
    const int here = ::sched_getcpu();
    if (here >= 0 && static_cast<unsigned>(here) != pu_) account_.away_ns += took.count();
    const auto ns = static_cast<double>(took.count());
    const double per_round = ns / static_cast<double>(rounds);
    account_.rounds += rounds;
    account_.fastest_round_ns =
        account_.fastest_round_ns > 0 ? std::min(account_.fastest_round_ns, per_round) : per_round;
    const double usual = ns_per_round_ * static_cast<double>(rounds);
    if (took > kStall && usual > 0 && ns > kStallFactor * usual) {
      account_.stalled_ns += static_cast<std::int64_t>(ns - usual);
      return;
    }
    ns_per_round_ += (ns_per_round_ > 0 ? kLearn : 1) * (per_round - ns_per_round_);
  }

  // Directly after the last stamp, `elapsed` after the first.
  CpuAccount close(nanoseconds elapsed) {
    const auto ran_after = thread_cpu_time_ns();
    account_.elapsed_ns = elapsed.count();
    if (ran_before_ && ran_after) account_.ran_ns = *ran_after - *ran_before_;
    return account_;
  }

 private:
  // How much a batch adds to what is usual.
  static constexpr double kLearn = 1.0 / 8;

  unsigned pu_ = 0;
  CpuAccount account_;
  std::optional<std::int64_t> ran_before_;
  double ns_per_round_ = 0;
};

}  // namespace mmscale::measure
