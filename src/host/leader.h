// SPDX-License-Identifier: MIT
//
// The way through a window of a thread that measures the running kernel: the same phases as in
// measure::run_window, passed together by threads that may belong to different processes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "machine/machine.h"
#include "machine/silicon/clock.h"
#include "measure/pmu.h"
#include "measure/validity.h"
#include "measure/window.h"

namespace mmscale::host {

using std::chrono::nanoseconds;

// Counts how many leaders have come to a point; in shared memory, polled once a batch.
struct alignas(machine::kApart) Milestone {
  std::atomic<unsigned> reached{0};

  void reach() { reached.fetch_add(1, std::memory_order_acq_rel); }
  bool complete(unsigned all) const { return reached.load(std::memory_order_acquire) == all; }
};

struct Phases {
  Milestone warmed;
  Milestone ready;
  Milestone closed;
};

// What one thread found out, in shared memory; written at the window's edges only.
struct alignas(machine::kApart) Side {
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;
  std::uint64_t rounds = 0;      // in the window
  std::uint64_t all_rounds = 0;  // from gate to gate
  measure::ThreadSnapshot before;
  measure::ThreadSnapshot after;
  double alu_before = 0;
  double alu_after = 0;
  measure::PmuReading pmu = {};

  measure::CpuConditions conditions(unsigned pu) const {
    return {.cpu = pu, .thread = after - before, .alu_rate_before = alu_before, .alu_rate_after = alu_after};
  }
};

// Runs a Player through the phases. A Player has
//   void play(std::uint64_t rounds);  // what is measured, so many times
//   void probe();                     // before and after the window: an arithmetic probe of its helpers, if
//   any void open();  void close();       // at the window's edges
// and is played on until every leader has closed its window, so that nobody measures alone.
template <class Player>
class Leader {
 public:
  Leader(Player& player, Phases& phases, unsigned leaders, const measure::WindowTimes& times, Side& side)
      : player_(player), phases_(phases), leaders_(leaders), times_(times), side_(side) {}

  void run() {
    const measure::ThreadProbe probe;
    measure::PmuCounters pmu(measure::this_pmu());
    const nanoseconds begin = now();
    run_until([&] { return now_ - begin >= times_.warm; });
    phases_.warmed.reach();
    run_until([&] { return phases_.warmed.complete(leaders_); });
    side_.alu_before = measure::alu_rate();
    player_.probe();
    phases_.ready.reach();
    run_until([&] { return phases_.ready.complete(leaders_); });

    player_.open();
    side_.before = probe.snapshot();
    const std::uint64_t first = rounds_;
    pmu.begin();
    const nanoseconds start = now();
    run_until([&] { return now_ - start >= times_.measure; });
    const nanoseconds end = now_;
    pmu.end();
    side_.rounds = rounds_ - first;
    side_.after = probe.snapshot();
    player_.close();

    phases_.closed.reach();
    run_until([&] { return phases_.closed.complete(leaders_); });
    side_.alu_after = measure::alu_rate();
    player_.probe();
    side_.pmu = pmu.reading();
    side_.start_ns = start.count();
    side_.end_ns = end.count();
    side_.all_rounds = rounds_;
  }

 private:
  // How long a batch of rounds between two looks at the clock shall take, as in measure::run_window.
  static constexpr nanoseconds kBatch{50'000};

  nanoseconds now() {
    now_ = nanoseconds(machine::silicon::now_ns());
    return now_;
  }

  template <class Done>
  void run_until(Done&& done) {
    nanoseconds before = now();
    while (!done()) {
      player_.play(batch_);
      rounds_ += batch_;
      const nanoseconds took = now() - before;
      before = now_;
      if (took < kBatch / 2)
        batch_ *= 2;
      else if (took > kBatch * 2 && batch_ > 1)
        batch_ /= 2;
    }
  }

  Player& player_;
  Phases& phases_;
  const unsigned leaders_;
  const measure::WindowTimes times_;
  Side& side_;
  nanoseconds now_{};
  std::uint64_t batch_ = 1;
  std::uint64_t rounds_ = 0;
};

}  // namespace mmscale::host
