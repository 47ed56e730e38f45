// SPDX-License-Identifier: MIT
//
// Rounds that CPU 0 leads and all others follow: for loads in which every CPU has a part in every round,
// whereas the window that runs them lets each CPU start and stop by its own clock.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "machine/machine.h"

namespace mmscale::workload {

// `wait` is what a CPU does over and over while it waits; it must let interrupts in where there are any.
// These are real CPUs' rounds: nothing here goes through a Machine.
class LedRounds {
 public:
  explicit LedRounds(unsigned cpus) : followers_(cpus - 1), followed_(cpus) {}

  // Leader: begins the next round when every follower has done the one before. False, and no round begun,
  // once somebody has called stop.
  // Before it begins, `prepare` runs.
  template <class Wait, class Prepare>
  bool lead(Wait&& wait, Prepare&& prepare) {
    const std::uint64_t begun = begun_.load(std::memory_order_relaxed);
    while (done_.load(std::memory_order_acquire) != begun * followers_) wait();
    if (stopped_.load(std::memory_order_acquire)) return false;
    prepare();
    begun_.store(begun + 1, std::memory_order_release);
    return true;
  }

  // Follower: true when a round has begun that it has not yet done, false when the leader has ended the
  // rounds. Ends with done().
  template <class Wait>
  bool follow(unsigned cpu, Wait&& wait) {
    for (;;) {
      const std::uint64_t begun = begun_.load(std::memory_order_acquire);
      if ((begun & ~kEnded) > followed_[cpu].rounds) return true;
      if ((begun & kEnded) != 0) return false;
      wait();
    }
  }
  void done(unsigned cpu) {
    ++followed_[cpu].rounds;
    done_.fetch_add(1, std::memory_order_release);
  }

  // Rounds that the follower has done.
  std::uint64_t followed(unsigned cpu) const { return followed_[cpu].rounds; }

  // From any CPU: no round begins any more.
  void stop() { stopped_.store(true, std::memory_order_release); }

  // Leader, when it leads no more: the followers may go. They must follow until then, even if their window is
  // over.
  template <class Wait>
  void end(Wait&& wait) {
    stop();
    lead(wait, [] {});
    begun_.fetch_or(kEnded, std::memory_order_release);
  }

 private:
  static constexpr std::uint64_t kEnded = std::uint64_t{1} << 63;
  struct alignas(machine::kApart) Followed {
    std::uint64_t rounds = 0;
  };

  const std::uint64_t followers_;
  std::vector<Followed> followed_;
  alignas(machine::kApart) std::atomic<std::uint64_t> begun_{0};
  alignas(machine::kApart) std::atomic<std::uint64_t> done_{0};
  alignas(machine::kApart) std::atomic<bool> stopped_{false};
};

}  // namespace mmscale::workload
