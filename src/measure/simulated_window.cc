// SPDX-License-Identifier: MIT
#include "measure/simulated_window.h"

namespace mmscale::measure {
namespace {

// How many CPUs have come to a point. Plain numbers: all CPUs live on one thread, and to look costs no
// virtual time.
struct Milestones {
  unsigned begun = 0;
  unsigned warmed = 0;
  unsigned closed = 0;
};

constexpr machine::simulator::Picoseconds kRest = 1'000 * machine::simulator::kPsPerNs;

class Runner {
 public:
  Runner(workload::SimulatorLoad& load, Milestones& milestones, const WindowTimes& times, unsigned cpu,
         unsigned pu)
      : load_(load), milestones_(milestones), times_(times), cpu_(cpu), pu_(pu) {}

  void run(CpuWindow& result) {
    const unsigned all = load_.cpus();
    load_.boot(cpu_, pu_);
    // The first round, in which lines are made and masks filled, takes one CPU far longer than another. Who
    // is through rests: to simulate what it would do meanwhile costs much and says nothing.
    load_.run(cpu_, 1);
    ++milestones_.begun;
    while (milestones_.begun != all) load_.rest(cpu_, kRest);
    const std::int64_t begin = now();
    // In no order. All at once would come to a line by sockets, and who is served first come first served keeps
    // the order that he came in; on a real machine each interrupt between two turns changes it.
    load_.rest(cpu_, load_.drawn_below(static_cast<machine::simulator::Picoseconds>(times_.warm.count()) *
                                       machine::simulator::kPsPerNs / 2));
    run_until([&] { return now() - begin >= times_.warm.count(); });
    ++milestones_.warmed;
    run_until([&] { return milestones_.warmed == all; });

    const kernel::Tally before = load_.tally(cpu_);
    rounds_ = 0;
    load_.open_window(cpu_);
    const std::int64_t start = now();
    run_until([&] { return now() - start >= times_.measure.count(); });
    const std::int64_t end = now();
    load_.close_window(cpu_);
    result.start_ns = start;
    result.end_ns = end;
    result.rounds = rounds_;
    result.switches = rounds_ * load_.switches_per_round(cpu_);
    result.tally = load_.tally(cpu_).since(before);

    if (++milestones_.closed == all)
      load_.stop(cpu_);
    else
      run_until([&] { return milestones_.closed == all; });
    load_.finish(cpu_);
  }

 private:
  std::int64_t now() const {
    return static_cast<std::int64_t>(load_.now(cpu_) / machine::simulator::kPsPerNs);
  }

  // The clock is looked at after every round: it costs nothing here.
  template <class Done>
  void run_until(Done&& done) {
    while (!done()) {
      if (!load_.run(cpu_, 1)) return;
      ++rounds_;
    }
  }

  workload::SimulatorLoad& load_;
  Milestones& milestones_;
  const WindowTimes& times_;
  const unsigned cpu_;
  const unsigned pu_;
  std::uint64_t rounds_ = 0;
};

}  // namespace

Window simulate_window(workload::SimulatorLoad& load, const topology::Layout& layout,
                       const std::vector<unsigned>& pus, const WindowTimes& times) {
  Window window = empty_window(layout, pus);
  Milestones milestones;
  load.run_all([&](unsigned cpu) { Runner(load, milestones, times, cpu, pus[cpu]).run(window.cpus[cpu]); });

  sum_up(window, load.audit());
  window.verdict.valid = window.audit.empty();
  if (!window.audit.empty()) window.verdict.reasons = {"conservation: " + window.audit.front()};
  return window;
}

}  // namespace mmscale::measure
