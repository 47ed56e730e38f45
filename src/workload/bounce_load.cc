// SPDX-License-Identifier: MIT
#include "workload/bounce_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <stdexcept>

#include "machine/machine.h"
#include "machine/silicon/home_memory.h"
#include "machine/silicon/ordered_clock.h"

namespace mmscale::workload {
namespace {

using machine::silicon::ticks_when_done;

struct alignas(machine::kApart) Holder {
  std::atomic<std::uint32_t> cpu;
};

class SiliconBounce final : public BounceLoad {
 public:
  SiliconBounce(unsigned cpus, unsigned home_node, BounceObserver observer)
      : BounceLoad(cpus),
        observer_(std::move(observer)),
        memory_(sizeof(Holder), home_node),
        holder_(*new (memory_.bytes().data()) Holder{.cpu = cpus}),
        seats_(cpus) {}

  // The counts are made by the pinned thread, so that they are local to it.
  void boot(unsigned cpu, unsigned) override {
    seats_[cpu].counts = std::make_unique<Counts>(cpus());
    rendezvous();
  }

  bool run(unsigned cpu, std::uint64_t rounds) override {
    Counts& counts = *seats_[cpu].counts;
    std::uint64_t* const now = counts.now.data();
    std::uint64_t& until_sample = counts.until_sample;
    while (rounds != 0) {
      const std::uint64_t untimed = std::min(rounds, until_sample);
      for (std::uint64_t k = 0; k < untimed; ++k) ++now[exchange(cpu)];
      rounds -= untimed;
      until_sample -= untimed;
      if (rounds == 0) break;
      const std::uint64_t begin = ticks_when_done();
      const std::uint32_t before = exchange(cpu);
      const std::uint64_t end = ticks_when_done();
      ++now[before];
      --rounds;
      until_sample = kBounceSampledOneIn - 1;
      if (observer_ && before < seats_.size()) observer_(cpu, before, end - begin);
    }
    return true;
  }

  void open_window(unsigned cpu) override { seats_[cpu].counts->put_away(); }
  void close_window(unsigned cpu) override { seats_[cpu].counts->close_window(); }
  std::span<const std::uint64_t> taken_from(unsigned cpu) const override {
    return std::span(seats_[cpu].counts->window).first(cpus());
  }

  std::vector<std::string> audit() override {
    std::vector<std::uint64_t> taken;
    for (Seat& seat : seats_) {
      seat.counts->put_away();
      taken.insert(taken.end(), seat.counts->whole_run.begin(), seat.counts->whole_run.end());
    }
    return unbalanced(taken, cpus(), holder_.cpu.load(std::memory_order_relaxed));
  }

 private:
  struct Counts : Exchanges {
    using Exchanges::Exchanges;
    std::uint64_t until_sample = kBounceSampledOneIn - 1;
  };
  struct alignas(machine::kApart) Seat {
    std::unique_ptr<Counts> counts;
  };

  std::uint32_t exchange(unsigned cpu) { return holder_.cpu.exchange(cpu, std::memory_order_acq_rel); }

  const BounceObserver observer_;
  machine::silicon::HomeMemory memory_;
  Holder& holder_;
  std::vector<Seat> seats_;
};

}  // namespace

std::unique_ptr<BounceLoad> make_bounce_load(unsigned cpus, unsigned home_node, BounceObserver observer) {
  if (cpus < 2) throw std::invalid_argument("bounce: a line travels between 2 CPUs or more");
  return std::make_unique<SiliconBounce>(cpus, home_node, std::move(observer));
}

std::vector<std::string> unbalanced(std::span<const std::uint64_t> taken, unsigned cpus, unsigned left) {
  std::vector<std::string> problems;
  for (unsigned cpu = 0; cpu <= cpus; ++cpu) {
    // Nobody makes no exchange; its number is in the line once, from the start.
    std::uint64_t written = cpu == cpus ? 1 : 0;
    std::uint64_t returned = left == cpu ? 1 : 0;
    for (unsigned other = 0; other < cpus; ++other) returned += taken[other * std::size_t{cpus + 1} + cpu];
    for (unsigned from = 0; from <= cpus && cpu < cpus; ++from)
      written += taken[cpu * std::size_t{cpus + 1} + from];
    if (written != returned)
      problems.push_back(fmt::format("the number of {} was written {} times and found {} times",
                                     cpu == cpus ? "nobody" : fmt::format("cpu {}", cpu), written, returned));
  }
  return problems;
}

}  // namespace mmscale::workload
