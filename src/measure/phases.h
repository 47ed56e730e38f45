// SPDX-License-Identifier: MIT
//
// What the threads of a window go through together: warm up, be ready, measure, and play on until the last
// has closed its window. Threads or processes: nothing here is bound to one address space.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "machine/machine.h"
#include "machine/silicon/clock.h"
#include "measure/account.h"

namespace mmscale::measure {

// Counts how many of `all` have come to a point. On a line of its own: polled once a batch.
struct alignas(machine::kApart) Milestone {
  std::atomic<unsigned> reached{0};

  // True for the one that made it complete. Release: what it did before is done for whoever sees it complete.
  bool reach(unsigned all) { return reached.fetch_add(1, std::memory_order_acq_rel) + 1 == all; }
  bool complete(unsigned all) const { return reached.load(std::memory_order_acquire) == all; }
};

struct Phases {
  Milestone warmed;
  Milestone ready;
  Milestone closed;
};

// One thread's rounds, in batches between two looks at the clock.
class Batches {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  // Looks at the clock. last() is what the latest look saw.
  nanoseconds now() {
    last_ = nanoseconds(machine::silicon::now_ns());
    return last_;
  }
  nanoseconds last() const { return last_; }

  // All that were played so far.
  std::uint64_t rounds() const { return rounds_; }

  // Told of every batch. To be opened and closed with the window.
  TimeKeeper& time() { return time_; }

  // Calls play(rounds) until it returns false or done() is true, which is asked after each batch with last()
  // fresh. Keeps a batch near kBatch long.
  template <class Play, class Done>
  void run_until(Play&& play, Done&& done) {
    nanoseconds before = now();
    while (!done()) {
      if (!play(batch_)) return;
      rounds_ += batch_;
      const nanoseconds took = now() - before;
      before = last_;
      time_.batch(took, batch_);
      if (took < kBatch / 2)
        batch_ *= 2;
      else if (took > kBatch * 2 && batch_ > 1)
        batch_ /= 2;
    }
  }

 private:
  // Long against a look at the clock (some 30 ns), short against any window, since stamps are a batch apart.
  static constexpr nanoseconds kBatch{50'000};

  nanoseconds last_{};
  TimeKeeper time_;
  std::uint64_t batch_ = 1;
  std::uint64_t rounds_ = 0;
};

}  // namespace mmscale::measure
