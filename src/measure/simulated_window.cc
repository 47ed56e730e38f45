// SPDX-License-Identifier: MIT
#include "measure/simulated_window.h"

#include <utility>

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
// Rounds: longer than any queue is unfair.
constexpr std::uint64_t kLong = 100'000;

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
    keep_company_until(milestones_.warmed);

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
      keep_company_until(milestones_.closed);
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

  // Goes on as before until all have come to that point. First come first served may let some win nothing for ever (of three
  // CPUs that compare and swap, one); where there are interrupts nobody is, so who has gone on for long rests, each time
  // twice as long, until all that win rest at once.
  void keep_company_until(const unsigned& come) {
    std::uint64_t rounds = 0;
    machine::simulator::Picoseconds rest = kRest;
    run_until([&] {
      if (++rounds % kLong == 0) load_.rest(cpu_, std::exchange(rest, 2 * rest));
      return come == load_.cpus();
    });
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
