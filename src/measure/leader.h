// SPDX-License-Identifier: MIT
//
// The way through a window of a thread that measures the running kernel: the same phases as in
// measure::run_window, passed together by threads that may belong to different processes.
#pragma once

#include <cstdint>
#include <optional>

#include "machine/machine.h"
#include "measure/phases.h"
#include "measure/pmu.h"
#include "measure/validity.h"
#include "measure/window.h"
#include "topology/bind.h"

namespace mmscale::host {

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
  std::optional<measure::CpuAccount> account = {};

  measure::CpuConditions conditions(unsigned pu) const {
    return {.cpu = pu,
            .thread = after - before,
            .alu_rate_before = alu_before,
            .alu_rate_after = alu_after,
            .account = account};
  }
};

// Runs a Player through the phases. A Player has
//   void play(std::uint64_t rounds);  // what is measured, so many times
//   void probe();                     // before and after the window: an arithmetic probe of its helpers, if any
//   void open();  void close();       // at the window's edges
// and is played on until every leader has closed its window, so that nobody measures alone.
template <class Player>
class Leader {
 public:
  Leader(Player& player, measure::Phases& phases, unsigned leaders, const measure::WindowTimes& times,
         Side& side)
      : player_(player), phases_(phases), leaders_(leaders), times_(times), side_(side) {}

  void run() {
    const measure::ThreadProbe probe;
    measure::PmuCounters pmu(measure::this_pmu());
    const auto begin = batches_.now();
    run_until([&] { return batches_.last() - begin >= times_.warm; });
    phases_.warmed.reach(leaders_);
    run_until([&] { return phases_.warmed.complete(leaders_); });
    side_.alu_before = measure::alu_rate();
    player_.probe();
    phases_.ready.reach(leaders_);
    run_until([&] { return phases_.ready.complete(leaders_); });

    player_.open();
    side_.before = probe.snapshot();
    const std::uint64_t first = batches_.rounds();
    pmu.begin();
    batches_.time().open(topology::current_pu());
    const auto start = batches_.now();
    run_until([&] { return batches_.last() - start >= times_.measure; });
    const auto end = batches_.last();
    side_.account = batches_.time().close(end - start);
    pmu.end();
    side_.rounds = batches_.rounds() - first;
    side_.after = probe.snapshot();
    player_.close();

    phases_.closed.reach(leaders_);
    run_until([&] { return phases_.closed.complete(leaders_); });
    side_.alu_after = measure::alu_rate();
    player_.probe();
    side_.pmu = pmu.reading();
    side_.start_ns = start.count();
    side_.end_ns = end.count();
    side_.all_rounds = batches_.rounds();
  }

 private:
  template <class Done>
  void run_until(Done&& done) {
    const auto play = [this](std::uint64_t rounds) {
      player_.play(rounds);
      return true;
    };
    batches_.run_until(play, done);
  }

  Player& player_;
  measure::Phases& phases_;
  const unsigned leaders_;
  const measure::WindowTimes times_;
  Side& side_;
  measure::Batches batches_;
};

}  // namespace mmscale::host
