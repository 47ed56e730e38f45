// SPDX-License-Identifier: MIT
//
// Virtual time: one fiber per emulated CPU, all on one thread, and the events between them. A CPU runs on as
// long as it is the earliest; whatever it does to shared memory therefore happens in the order of virtual
// time, with ties broken by CPU number, and the same input gives the same output to the bit.
//
// What an access costs is decided by the coherence protocol: protocol.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

#include "machine/fiber/fiber.h"
#include "machine/machine.h"
#include "machine/simulator/event_queue.h"
#include "machine/simulator/lines.h"
#include "machine/simulator/model.h"

namespace mmscale::machine::simulator {

inline constexpr Picoseconds kNever = UINT64_MAX;

// What all CPUs did, and what silicon cannot tell: how far lines travelled, and how long requests waited for
// them.
struct Statistics {
  std::uint64_t accesses = 0;
  // Lines that left an owner for another CPU, by how far that was, for writing and for reading.
  std::array<std::uint64_t, kReaches> moved{};
  std::array<std::uint64_t, kReaches> copied{};
  // Requests to a line's agent, and the time between their arrival there and being served.
  std::uint64_t requests = 0;
  Picoseconds waited = 0;
  // Store-conditionals that failed.
  std::uint64_t failed_conditionals = 0;
  // Interrupts raised.
  std::uint64_t interrupts = 0;
};

// Whether a CPU that is still the earliest goes through the queue all the same. Both must give the same
// results; a test asserts it.
enum class Scheduling { run_on, always_queue };

// All CPUs wait, and nothing is left that could wake one: a bug in what runs on them.
class Deadlock : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class World {
 public:
  // Emulated CPU i is at places[i]. Lines within `homed` have their home in package `home_package`; all
  // others where the CPU is that touched them first. Throws std::invalid_argument for more than kMostDomains
  // domains in use.
  World(const Model& model, std::vector<Place> places, std::uint32_t home_package,
        std::span<const std::byte> homed, Scheduling scheduling = Scheduling::run_on);

  static constexpr std::uint32_t kMostDomains = 64;

  // Runs body(cpu) on every CPU's fiber, all from the same instant on, until all have returned. Bodies must
  // not throw.
  void run(const std::function<void(unsigned)>& body);

  unsigned cpus() const { return static_cast<unsigned>(cpus_.size()); }
  const Costs& costs() const { return costs_; }
  const Statistics& statistics() const { return statistics_; }

  // All below: by the running CPU, for itself.

  Picoseconds now(unsigned cpu) const { return cpus_[cpu].time; }
  MMSCALE_INLINE void spend(unsigned cpu, Picoseconds time) { cpus_[cpu].time += time; }

  // Before the value is loaded.
  MMSCALE_INLINE void read(unsigned cpu, const void* address) {
    Cpu& c = begin_access(cpu);
    const std::uint32_t index = lines_.index_of(address);
    const Line& line = lines_[index];
    if (line.owner != cpu && !lines_.shared_by(line, cpu)) [[unlikely]]
      request(c, index, Wish::read);
    c.time += costs_.load;
  }

  // Around a store: the line is this CPU's between the two.
  MMSCALE_INLINE std::uint32_t begin_store(unsigned cpu, const void* address) {
    Cpu& c = begin_access(cpu);
    const std::uint32_t index = lines_.index_of(address);
    own(c, index);
    c.time += costs_.store;
    return index;
  }
  // Around a read-modify-write.
  MMSCALE_INLINE std::uint32_t begin_rmw(unsigned cpu, const void* address) {
    Cpu& c = begin_access(cpu);
    const std::uint32_t index = lines_.index_of(address);
    if (lines_[index].owner != cpu) [[unlikely]] {
      if (atomics_ == Atomics::near)
        own(c, index);
      else
        load_linked_store_conditional(c, index);
    }
    c.time += costs_.atomic;
    return index;
  }
  MMSCALE_INLINE void end_write(unsigned cpu, std::uint32_t index) {
    Line& line = lines_[index];
    if (line.owner == cpu) {
      ++line.version;
      line.busy_until = cpus_[cpu].time;
    }
    if (line.spinners != kNobody) [[unlikely]]
      wake_spinners(line, cpus_[cpu].time);
  }

  // Waits until done(argument) after a write to the line of `address`, or until an interrupt arrives while
  // interrupts are on.
  void spin(unsigned cpu, const void* address, bool (*done)(const void*), const void* argument);
  // Waits until that time, or until an interrupt arrives while interrupts are on.
  void sleep_until(unsigned cpu, Picoseconds time);

  void irq_disable(unsigned cpu) { cpus_[cpu].irqs_off = true; }
  void irq_enable(unsigned cpu) { cpus_[cpu].irqs_off = false; }
  bool irqs_disabled(unsigned cpu) const { return cpus_[cpu].irqs_off; }

  // An interrupt for `target`, on its way from now on.
  void raise(unsigned cpu, unsigned target);
  // Whether one has arrived here; it counts as taken then.
  MMSCALE_INLINE bool take_interrupt(unsigned cpu) {
    Cpu& c = cpus_[cpu];
    if (c.interrupt_at > c.time) [[likely]]
      return false;
    c.interrupt_at = kNever;
    return true;
  }

 private:
  // What a CPU asks a line's agent for.
  enum class Wish : std::uint8_t { read, own, conditional };
  enum class State : std::uint8_t { ready, requesting, queued, spinning, sleeping, done };

  struct alignas(kLine) Cpu {
    Picoseconds time = 0;
    // The one event in the queue that is this CPU's; older ones of another time are stale.
    Picoseconds wake = kNever;
    Picoseconds interrupt_at = kNever;
    std::uint32_t id = 0;
    State state = State::ready;
    bool irqs_off = false;
    // The request it waits for.
    Wish wish = Wish::read;
    bool granted = false;
    std::uint32_t line = kNobody;
    std::uint32_t version = 0;
    std::uint32_t next = kNobody;  // in the list of waiters, or of spinners
    Picoseconds arrived = 0;
    // What it spins for.
    bool (*done)(const void*) = nullptr;
    const void* argument = nullptr;
    Place place;
    Fiber* fiber = nullptr;
    World* world = nullptr;
  };

  // Who orders the owners of a line for one request: an agent near by, or the line's home.
  struct Agent {
    Place place;
    // Set for an agent that is as far from everybody as `reach` says.
    bool local = false;
    Reach reach = Reach::sibling;
  };

  MMSCALE_INLINE Cpu& begin_access(unsigned cpu) {
    Cpu& c = cpus_[cpu];
    if (scheduling_ == Scheduling::always_queue || (!queue_.empty() && queue_.top() < Event{c.time, cpu}))
      yield(c);
    ++statistics_.accesses;
    return c;
  }
  MMSCALE_INLINE void own(Cpu& c, std::uint32_t index) {
    if (lines_[index].owner != c.id) [[unlikely]]
      request(c, index, Wish::own);
  }

  // scheduling (world.cc)
  std::uint32_t first_line_event() const { return cpus(); }
  void yield(Cpu& c);
  void wait(Cpu& c);
  void schedule(Cpu& c, Picoseconds time);
  void schedule(std::uint32_t line, Picoseconds time);
  void sleep_interruptibly(Cpu& c, State state, Picoseconds until);
  void wake_spinners(Line& line, Picoseconds time);
  void stop_spinning(Cpu& c);
  static void fiber_main(void* argument);

  // the coherence protocol (protocol.cc)
  bool request(Cpu& c, std::uint32_t index, Wish wish);
  void load_linked_store_conditional(Cpu& c, std::uint32_t index);
  void find_home(Line& line, const Cpu& c, std::uint32_t index);
  Agent agent(const Line& line, const Cpu& c) const;
  Picoseconds leg(const Agent& agent, const Place& place) const;
  Picoseconds leg(const Place& a, const Place& b) const;
  void arrive(Cpu& c, Picoseconds time);
  Cpu& take_waiter(Line& line);
  void serve(std::uint32_t index, Picoseconds time);
  void serve_unowned(Line& line, Cpu& c, Picoseconds time);
  void line_event(std::uint32_t index, Picoseconds time);
  void hand_over(std::uint32_t index, Picoseconds time);
  void become_owner(Line& line, Cpu& c, Picoseconds time);
  void grant(Cpu& c, Picoseconds time, bool granted = true);
  Picoseconds invalidation(const Line& line, const Cpu& c, const Agent& agent) const;

  const Costs costs_;
  const Protocol protocol_;
  const Atomics atomics_;
  const Arbitration arbitration_;
  const Scheduling scheduling_;
  const std::array<Picoseconds, kReaches> leg_;
  const std::array<Picoseconds, kReaches> ipi_delivery_;
  const std::uint32_t home_package_;
  const std::uintptr_t homed_begin_;
  const std::uintptr_t homed_end_;

  std::vector<Cpu> cpus_;
  EventQueue queue_;
  Lines lines_;
  // A place of each domain, and where each package's home agent is, by number.
  std::vector<Place> domains_;
  std::vector<Place> agents_;
  Statistics statistics_;
  std::mt19937_64 random_;

  Fiber thread_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  const std::function<void(unsigned)>* body_ = nullptr;
  unsigned live_ = 0;
};

}  // namespace mmscale::machine::simulator
