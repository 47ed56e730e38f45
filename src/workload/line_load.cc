// SPDX-License-Identifier: MIT
#include "workload/line_load.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "machine/machine.h"
#include "machine/silicon/clock.h"
#include "machine/silicon/home_memory.h"
#include "workload/bare_load.h"

namespace mmscale::workload {
namespace {

using machine::silicon::pause;
using machine::silicon::ticks;

// Where the ball of one pair is: even, it is a's turn; odd, b's.
struct alignas(machine::kApart) Ball {
  std::atomic<std::uint64_t> turn{0};
};

// Rounds that CPU 0 leads and all others follow: every CPU has a part in every round, whereas the window that runs them lets
// each CPU start and stop by its own clock.
class LedRounds {
 public:
  explicit LedRounds(unsigned cpus) : followers_(cpus - 1), followed_(cpus) {}

  // Leader: begins the next round when every follower has done the one before. False, and no round begun,
  // once somebody has called stop.
  bool lead() {
    const std::uint64_t begun = begun_.load(std::memory_order_relaxed);
    while (done_.load(std::memory_order_acquire) != begun * followers_) pause();
    if (stopped_.load(std::memory_order_acquire)) return false;
    begun_.store(begun + 1, std::memory_order_release);
    return true;
  }

  // Follower: true when a round has begun that it has not yet done, false when the leader has ended the
  // rounds. Ends with done().
  bool follow(unsigned cpu) {
    for (;; pause()) {
      const std::uint64_t begun = begun_.load(std::memory_order_acquire);
      if ((begun & ~kEnded) > followed_[cpu].rounds) return true;
      if ((begun & kEnded) != 0) return false;
    }
  }
  void done(unsigned cpu) {
    ++followed_[cpu].rounds;
    done_.fetch_add(1, std::memory_order_release);
  }

  // From any CPU: no round begins any more.
  void stop() { stopped_.store(true, std::memory_order_release); }

  // Leader, when it leads no more: the followers may go. They must follow until then, even if their window is
  // over.
  void end() {
    stop();
    lead();
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

class LineLoad final : public BareLoad {
 public:
  LineLoad(unsigned cpus, unsigned home_node, LineObserver observer)
      : BareLoad(cpus),
        observer_(std::move(observer)),
        apart_(apart(std::size_t{cpus} * (cpus - 1) / 2)),
        memory_(apart_ * (std::size_t{cpus} * (cpus - 1) / 2), home_node),
        rounds_(cpus),
        seats_(cpus) {
    for (unsigned a = 0; a < cpus; ++a)
      for (unsigned b = a + 1; b < cpus; ++b) pairs_.push_back({a, b, 0});
    for (std::size_t i = 0; i < pairs_.size(); ++i) new (memory_.bytes().data() + i * apart_) Ball;
  }

  void stop(unsigned) override { rounds_.stop(); }

  bool run(unsigned cpu, std::uint64_t rounds) override {
    for (; rounds != 0; --rounds) {
      if (cpu == 0) {
        if (!rounds_.lead()) return false;
        call(pairs_.front());
        visit_all(0);
      } else if (!follow(cpu)) {
        return false;
      }
    }
    return true;
  }

  void finish(unsigned cpu) override {
    if (cpu == 0) {
      rounds_.end();
    } else {
      while (follow(cpu)) {
      }
    }
    rendezvous();
  }

  std::vector<std::string> audit() override {
    std::vector<std::string> problems;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const std::uint64_t want = 2 * kPerVisit * pairs_[i].visits;
      const std::uint64_t got = ball(i).turn.load(std::memory_order_relaxed);
      if (got != want)
        problems.push_back(fmt::format("cpus {} and {}: the line changed {} times instead of {}", pairs_[i].a,
                                       pairs_[i].b, got, want));
    }
    return problems;
  }

 private:
  // A page for each pair, while that is not above 32 MiB in all.
  static std::size_t apart(std::size_t pairs) {
    constexpr std::size_t kMost = std::size_t{32} << 20;
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return std::clamp(kMost / pairs / machine::kApart * machine::kApart, machine::kApart, page);
  }

  static constexpr std::uint64_t kPerVisit = kLineWarmRoundTrips + kLineRoundTrips;

  struct Pair {
    unsigned a;
    unsigned b;
    std::uint64_t visits;  // counted by a
  };
  // Where a CPU waits to be called.
  struct alignas(machine::kApart) Seat {
    std::atomic<std::uint64_t> calls{0};
    std::uint64_t answered = 0;
    std::uint64_t rounds = 0;
  };

  Ball& ball(std::size_t pair) {
    return *std::launder(reinterpret_cast<Ball*>(memory_.bytes().data() + pair * apart_));
  }

  bool follow(unsigned cpu) {
    if (!rounds_.follow(cpu)) return false;
    visit_all(cpu);
    rounds_.done(cpu);
    return true;
  }

  // Only two CPUs are called at a time, so a round is a chain of visits in the order of pairs_.
  void visit_all(unsigned cpu) {
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      Pair& pair = pairs_[i];
      if (cpu == pair.a) play_a(pair, ball(i));
      if (cpu == pair.b) {
        play_b(pair, ball(i));
        // b makes the last move, so the line lies still when the next two begin.
        if (i + 1 < pairs_.size()) call(pairs_[i + 1]);
      }
    }
    ++seats_[cpu].rounds;
  }

  void call(const Pair& pair) {
    seats_[pair.a].calls.fetch_add(1, std::memory_order_release);
    seats_[pair.b].calls.fetch_add(1, std::memory_order_release);
  }

  void answer(unsigned cpu) {
    Seat& seat = seats_[cpu];
    ++seat.answered;
    while (seat.calls.load(std::memory_order_acquire) < seat.answered) pause();
  }

  static void move(Ball& ball, std::uint64_t from) {
    for (std::uint64_t expected = from; !ball.turn.compare_exchange_weak(
             expected, from + 1, std::memory_order_acq_rel, std::memory_order_relaxed);)
      expected = from;
  }

  void play_a(Pair& pair, Ball& ball) {
    std::uint64_t turn = 2 * kPerVisit * seats_[pair.a].rounds;
    answer(pair.a);
    for (std::uint64_t k = 0; k < kLineWarmRoundTrips; ++k, turn += 2) move(ball, turn);
    // Between one move of a and its next lies one round trip.
    const std::uint64_t begin = ticks();
    for (std::uint64_t k = 0; k < kLineRoundTrips; ++k, turn += 2) move(ball, turn);
    const std::uint64_t end = ticks();
    ++pair.visits;
    if (observer_) observer_(pair.a, pair.b, end - begin);
  }

  void play_b(const Pair& pair, Ball& ball) {
    std::uint64_t turn = 2 * kPerVisit * seats_[pair.b].rounds + 1;
    answer(pair.b);
    for (std::uint64_t k = 0; k < kPerVisit; ++k, turn += 2) move(ball, turn);
  }

  const LineObserver observer_;
  const std::size_t apart_;
  machine::silicon::HomeMemory memory_;
  LedRounds rounds_;
  std::vector<Pair> pairs_;
  std::vector<Seat> seats_;
};

}  // namespace

std::unique_ptr<Load> make_line_load(unsigned cpus, unsigned home_node, LineObserver observer) {
  if (cpus < 2) throw std::invalid_argument("line: a line travels between 2 CPUs or more");
  return std::make_unique<LineLoad>(cpus, home_node, std::move(observer));
}

}  // namespace mmscale::workload
