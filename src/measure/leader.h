// SPDX-License-Identifier: MIT
//
// The way of a thread through a window: warm up together, measure, and keep on until everybody has measured. Threads may
// belong to different processes.
#pragma once

#include <cstdint>
#include <optional>

#include "machine/machine.h"
#include "measure/phases.h"
#include "measure/pmu.h"
#include "measure/validity.h"
#include "measure/window.h"

namespace mmscale::measure {

// What one thread found out; written at the window's edges only.
struct alignas(machine::kApart) Side {
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;
  std::uint64_t rounds = 0;      // in the window
  std::uint64_t all_rounds = 0;  // from the first to the last
  ThreadSnapshot before;
  ThreadSnapshot after;
  double alu_before = 0;
  double alu_after = 0;
  PmuReading pmu = {};
  std::optional<CpuAccount> account = {};

  CpuConditions conditions(unsigned pu) const {
    return {.cpu = pu,
            .thread = after - before,
            .alu_rate_before = alu_before,
            .alu_rate_after = alu_after,
            .account = account};
  }
};

// Runs a Player through the phases, on PU `pu`. A Player has
//   bool play(std::uint64_t rounds);  // what is measured, so many times; false if it cannot go on
// and if it needs them
//   void probe();                     // before and after the window: an arithmetic probe of its helpers
//   void open();  void close();       // at the window's edges
//   void stop();                      // called on the last leader to have closed its window, of all
// and is played on until every leader has closed its window, so that nobody measures alone.
template <class Player>
class Leader {
 public:
  Leader(Player& player, Phases& phases, unsigned leaders, const WindowTimes& times, unsigned pu, Side& side)
      : player_(player), phases_(phases), leaders_(leaders), times_(times), pu_(pu), side_(side) {}

  void run() {
    const ThreadProbe probe;
    PmuCounters pmu(this_pmu());
    const auto begin = batches_.now();
    run_until([&] { return batches_.last() - begin >= times_.warm; });
    phases_.warmed.reach(leaders_);
    run_until([&] { return phases_.warmed.complete(leaders_); });
    // Everybody is at full clock by now, and takes the probe at the same time.
    side_.alu_before = alu_rate();
    if constexpr (requires { player_.probe(); }) player_.probe();
    phases_.ready.reach(leaders_);
    run_until([&] { return phases_.ready.complete(leaders_); });

    if constexpr (requires { player_.open(); }) player_.open();
    side_.before = probe.snapshot();
    const std::uint64_t first = batches_.rounds();
    pmu.begin();
    batches_.time().open(pu_);
    const auto start = batches_.now();
    run_until([&] { return batches_.last() - start >= times_.measure; });
    const auto end = batches_.last();
    side_.account = batches_.time().close(end - start);
    pmu.end();
    side_.rounds = batches_.rounds() - first;
    side_.after = probe.snapshot();
    if constexpr (requires { player_.close(); }) player_.close();

    const bool last = phases_.closed.reach(leaders_);
    if constexpr (requires { player_.stop(); })
      if (last) player_.stop();
    if (!last) run_until([&] { return phases_.closed.complete(leaders_); });
    side_.alu_after = alu_rate();
    if constexpr (requires { player_.probe(); }) player_.probe();
    side_.pmu = pmu.reading();
    side_.start_ns = start.count();
    side_.end_ns = end.count();
    side_.all_rounds = batches_.rounds();
  }

 private:
  template <class Done>
  void run_until(Done&& done) {
    batches_.run_until([this](std::uint64_t rounds) { return player_.play(rounds); }, done);
  }

  Player& player_;
  Phases& phases_;
  const unsigned leaders_;
  const WindowTimes times_;
  const unsigned pu_;
  Side& side_;
  Batches batches_;
};

}  // namespace mmscale::measure
