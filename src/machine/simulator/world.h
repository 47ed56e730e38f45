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
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "machine/fiber/fiber.h"
#include "machine/machine.h"
#include "machine/simulator/event_queue.h"
#include "machine/simulator/hand_over.h"
#include "machine/simulator/lines.h"
#include "machine/simulator/model.h"
#include "machine/simulator/spent.h"
#include "machine/simulator/turns.h"

namespace mmscale::machine::simulator {

// What all CPUs did, and what silicon cannot tell: how far lines travelled, and how long requests waited for
// them.
struct Statistics {
  std::uint64_t accesses = 0;
  // CPUs that went on after they had let others go first, requests that arrived, and what happened at lines.
  std::uint64_t events = 0;
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

enum class Waiting : std::uint8_t { polls, is_told };

// What a CPU spins for: a predicate of the variable at an address.
struct Condition {
  const void* address = nullptr;
  bool (*predicate)(const void* address, const void* captured) = nullptr;
  // What the predicate captured; the rest is zero.
  alignas(8) std::array<std::byte, 16> captured{};

  template <class T, class Predicate>
  static Condition of(const T& a, const Predicate& predicate) {
    static_assert(std::is_trivially_copyable_v<Predicate> && sizeof(Predicate) <= sizeof(captured));
    Condition condition;
    condition.address = &a;
    condition.predicate = [](const void* where, const void* with) {
      return static_cast<bool>((*static_cast<const Predicate*>(with))(*static_cast<const T*>(where)));
    };
    if constexpr (!std::is_empty_v<Predicate>)
      std::memcpy(condition.captured.data(), &predicate, sizeof(Predicate));
    return condition;
  }
  bool holds() const { return predicate(address, captured.data()); }
  bool operator==(const Condition&) const = default;
};

class World {
 public:
  // Emulated CPU i is at places[i]. Lines within `homed` have their home in package `home_package`; all
  // others where the CPU is that touched them first. Throws std::invalid_argument for more than kMostDomains
  // domains in use.
  World(const Model& model, const std::vector<Place>& places, std::uint32_t home_package,
        std::span<const std::byte> homed, Scheduling scheduling = Scheduling::run_on);

  static constexpr std::uint32_t kMostDomains = 64;

  // Runs body(cpu) on every CPU's fiber, all from the same instant on, until all have returned. Bodies must
  // not throw.
  void run(const std::function<void(unsigned)>& body);

  unsigned cpus() const { return threads_; }
  const Costs& costs() const { return costs_; }
  const Statistics& statistics() const { return statistics_; }
  // Of each line: what happened to it, and where it is.
  const Lines& lines() const { return lines_; }

  // Where the time of that CPU went so far.
  Spent spent(unsigned cpu) const;

  // From now on notes every use of the lines that are `homed`. One that was shared comes from nobody, and is not
  // noted.
  void watch() { watching_ = true; }
  const std::vector<HandOver>& hand_overs() const { return hand_overs_; }

  // All below: by the running CPU, for itself.

  Picoseconds now(unsigned cpu) const { return cpus_[cpu].time; }
  MMSCALE_INLINE void spend(unsigned cpu, Picoseconds time) { cpus_[cpu].time += time; }

  // Before each access: waits while another CPU or a line is earlier.
  MMSCALE_JUMPS void begin_access(unsigned cpu) {
    Cpu& c = cpus_[cpu];
    if (c.time >= goes_on_until_)
      if (Fiber* const next = take_turn(c)) c.fiber->jump_here(*next);
    ++statistics_.accesses;
  }

  // Where the value is now: there, or in this CPU's store buffer.
  const void* read(unsigned cpu, const void* address);
  // The same for who looks on: no access, and no time.
  const void* peek(unsigned cpu, const void* address) const {
    const Cpu& buffer = cpus_[threads_ + cpu];
    return cpus_[cpu].storing_to != kNobody && buffer.address == address ? buffer.value.data() : address;
  }
  // Now, or when the line is here, and this CPU goes on meanwhile: `address` must still be there then, be it
  // after the body's end.
  void store(unsigned cpu, void* address, const void* value, std::size_t bytes);
  // Around a read-modify-write: the line is this CPU's between the two.
  std::uint32_t begin_rmw(unsigned cpu, const void* address);
  void end_write(unsigned cpu, std::uint32_t index);
  // Until what this CPU has stored is visible, and the fence's own cost.
  void fence(unsigned cpu, Picoseconds cost) {
    Cpu& c = cpus_[cpu];
    drain(c);
    if (cost == 0) return;
    charge(c, &Spent::work);
    c.time += cost;
    charge(c, &Spent::fences);
  }

  // What a store buffer can hold.
  static constexpr std::size_t kStoreBytes = 8;

  // Computes for that long if the core is this CPU's alone. Another hardware thread of it that computes or
  // spins when this begins takes its share.
  void compute(unsigned cpu, Picoseconds time);

  // What a think time of that mean is this time.
  Picoseconds think_time(Picoseconds mean) { return random_think_ ? drawn(mean) : mean; }

  // By chance, each moment before that one as likely as another; 0 before 0.
  Picoseconds drawn_below(Picoseconds end) { return end == 0 ? 0 : random_() % end; }

  // Waits until the condition holds after a write to the line of its address, or until an interrupt arrives
  // while interrupts are on. `polls`: reads the line again after each write, as a spinning CPU does;
  // `is_told`: without a look at it, as none does, for loops that shall have no such reads. Returns whether it has
  // read that the condition holds.
  bool spin(unsigned cpu, const Condition& condition, Waiting waiting = Waiting::polls);
  // Waits until that time, or until an interrupt arrives while interrupts are on.
  void sleep_until(unsigned cpu, Picoseconds time);

  void irq_disable(unsigned cpu) { cpus_[cpu].irqs_off = true; }
  void irq_enable(unsigned cpu) { cpus_[cpu].irqs_off = false; }
  bool irqs_disabled(unsigned cpu) const { return cpus_[cpu].irqs_off; }

  // Around what is done for interrupts' sake, which may be nested.
  void begin_interrupts(unsigned cpu) {
    charge(cpus_[cpu], &Spent::work);
    ++cpus_[cpu].interrupts;
  }
  void end_interrupts(unsigned cpu) {
    charge(cpus_[cpu], &Spent::interrupts);
    --cpus_[cpu].interrupts;
  }

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
  // With cores and domains numbered from 0.
  struct Renumbered {
    std::vector<Place> places;
  };
  World(const Model& model, const Renumbered& places, std::uint32_t home_package,
        std::span<const std::byte> homed, Scheduling scheduling);

  // What a CPU asks a line's agent for: a copy, to write it, to read and write it in one.
  enum class Wish : std::uint8_t { read, own, modify };
  enum class State : std::uint8_t { ready, requesting, queued, spinning, sleeping, draining, done };

  // Or its store buffer, which asks for lines as a CPU does, but has no fiber. What each access and each
  // switch of fibers needs comes first, in one line of the host's cache.
  struct alignas(kLine) Cpu {
    Picoseconds time = 0;
    Picoseconds interrupt_at = kNever;
    Fiber* fiber = nullptr;
    // Whose went on when this one last let others go first.
    Fiber* follower = nullptr;
    // Until when its time is in its books.
    Picoseconds charged = 0;
    Place place;
    std::uint32_t id = 0;
    // The line that the store in its buffer waits for; kNobody while that is empty.
    std::uint32_t storing_to = kNobody;
    State state = State::ready;
    bool irqs_off = false;
    // Reads again what it spins on; its fiber sleeps meanwhile.
    bool polls = false;
    // What it read then is what it spins for.
    bool found = false;
    // How deep it is in interrupts.
    std::uint8_t interrupts = 0;
    bool looks = true;
    // The request it waits for.
    Wish wish = Wish::read;
    // Waits behind its sibling; who waits behind it.
    bool chained = false;
    bool beside = false;
    std::uint32_t behind = kNobody;
    // Siblings that have a read answered with it, or CPUs that are told of the same condition: a list. Who is beside
    // another in one of the latter has who is before it in `next`.
    std::uint32_t along = kNobody;
    // The next hardware thread of its core; the last's is the first.
    std::uint32_t next_sibling = 0;
    std::uint32_t line = kNobody;
    std::uint32_t next = kNobody;  // in the list of waiters, or of spinners
    Picoseconds arrived = 0;
    World* world = nullptr;
    // A buffer's: the store.
    void* address = nullptr;
    std::uint32_t bytes = 0;
    alignas(kStoreBytes) std::array<std::byte, kStoreBytes> value{};
    // Of the request that was answered last: how long others were served first, and how far the line came.
    Reach came = Reach::domain;
    Picoseconds waited = 0;
  };

  // What a core asks for: how many requests that do not wait behind a sibling, and the sum of the CPUs that made them, which
  // of one is that one.
  struct Asking {
    std::uint32_t requests = 0;
    std::uint32_t sum = 0;
  };

  Fiber* take_turn(Cpu& c);
  Picoseconds drawn(Picoseconds mean);

  // the books (world.cc)
  void charge(Cpu& c, Picoseconds Spent::*part) {
    charge(c, spent_[c.id].*(c.interrupts != 0 ? &Spent::interrupts : part));
  }
  void charge_transfer(Cpu& c, Reach distance) {
    Spent& spent = spent_[c.id];
    charge(c, c.interrupts != 0 ? spent.interrupts : spent.transfer[static_cast<std::size_t>(distance)]);
  }
  static void charge(Cpu& c, Picoseconds& part) {
    part += c.time - c.charged;
    c.charged = c.time;
  }
  void charge_request(Cpu& c);
  void note(std::uint32_t index, std::uint32_t to, std::uint32_t from, Picoseconds took);

  // scheduling (world.cc)
  void yield(Cpu& c);
  Fiber* next_fiber(Cpu& c);
  // Leaves `c`, and comes back when it is due.
  MMSCALE_JUMPS void wait(Cpu& c) {
    if (Fiber* const next = next_fiber(c)) c.fiber->jump_here(*next);
  }
  void schedule(Cpu& c, Picoseconds time);
  void schedule(std::uint32_t line, Picoseconds time);
  void sleep_interruptibly(Cpu& c, State state, Picoseconds until);
  void join_spinners(Cpu& c);
  void wake_spinners(Line& line, Picoseconds time);
  void tell(Cpu& c, Picoseconds time);
  bool poll_ends(Cpu& c, Picoseconds time);
  void stop_spinning(Cpu& c);
  Cpu& buffer_of(std::uint32_t thread) { return cpus_[threads_ + thread]; }
  std::uint32_t thread_of(const Cpu& c) const { return c.fiber != nullptr ? c.id : c.id - threads_; }
  // Until this CPU's store is visible.
  MMSCALE_INLINE void drain(Cpu& c) {
    if (c.storing_to != kNobody) [[unlikely]]
      await_store(c);
  }
  void await_store(Cpu& c);
  void finish_store(Cpu& buffer, Picoseconds time);
  void written(std::uint32_t thread, std::uint32_t index, Picoseconds time);
  static void fiber_main(void* argument);

  // the coherence protocol (protocol.cc)
  void request(Cpu& c, std::uint32_t index, Wish wish);
  void send(Cpu& c, std::uint32_t index, Wish wish);
  void acquire(Cpu& c, std::uint32_t index, Wish wish);
  Picoseconds conditional(const Line& line, Picoseconds way);
  std::uint32_t before_next(Line& line, const Queue& queue, Picoseconds by);
  void find_home(Line& line, const Cpu& c, std::uint32_t index);
  void waits_no_more(Cpu& c, Picoseconds time);
  Reach farthest_sharer(const Line& line, const Place& writer) const;
  Picoseconds between(const Place& a, const Place& b) const;
  Picoseconds core_leg() const;
  Picoseconds sibling_leg() const;
  Picoseconds bus_leg(const Line& line, const Cpu& c) const;
  std::uint32_t queue_of(const Cpu& c) const { return protocol_ == Protocol::snoop ? 0 : c.place.domain; }
  bool behind_sibling(Cpu& c);
  void arrive(Cpu& c, Picoseconds time);
  void enqueue(Line& line, Cpu& c, Picoseconds time);
  void ask_home(Line& line, std::uint32_t domain, Picoseconds time);
  void ask_again(Line& line, std::uint32_t domain, Picoseconds time);
  void forget_first_domain(Line& line);
  void read_along(Line& line, Cpu& c, Picoseconds time);
  Cpu& take(Line& line, std::uint32_t domain, Picoseconds by, Picoseconds time);
  Cpu& take_behind(Line& line, std::uint32_t domain, std::uint32_t before, Picoseconds time);
  bool own_domain_first(Line& line, const Queue& own, Picoseconds remote_at, Picoseconds time);
  Picoseconds snoop_from_home(Line& line, std::uint32_t index, std::uint32_t domain);
  void serve(std::uint32_t index, Picoseconds time);
  void serve_siblings(std::uint32_t index, const Cpu& c, std::uint32_t domain, Picoseconds time);
  bool serve_unowned(std::uint32_t index, Picoseconds time);
  void line_event(std::uint32_t index, Picoseconds time);
  void hand_over(std::uint32_t index, Picoseconds time);
  bool visit_goes_on(std::uint32_t index, Picoseconds time);
  Picoseconds within_domain(const Cpu& c, Picoseconds snooped, Picoseconds leaves) const;
  Picoseconds invalidation(const Line& line, const Place& writer, const Place& by) const;
  Picoseconds answer(Line& line, const Cpu& c, bool local, Picoseconds time);
  void count_transfer(std::uint32_t index, const Place& from, const Place& to, bool reads);
  void leave_owner(std::uint32_t index, Picoseconds time);
  void become_owner(std::uint32_t index, Cpu& c, Picoseconds time);
  void grant(Cpu& c, Picoseconds time);

  const Costs costs_;
  const Protocol protocol_;
  const Handover handover_;
  const Supplier supplier_;
  const bool requester_tells_home_;
  const bool acknowledges_conflicts_;
  const Atomics atomics_;
  const Arbitration arbitration_;
  const Scheduling scheduling_;
  const bool random_think_;
  const std::array<Picoseconds, kReaches> leg_;
  const std::array<Picoseconds, kReaches> ipi_delivery_;
  const std::uint32_t home_package_;
  const std::uintptr_t homed_begin_;
  const std::uintptr_t homed_end_;

  // Hardware threads in use, and in cpus_ behind them as many store buffers.
  const std::uint32_t threads_;
  std::vector<Cpu> cpus_;
  // When each CPU goes on; of the running one, when it did.
  Turns turns_;
  // While its time is before that, the running CPU is the earliest; 0 where nobody has looked.
  Picoseconds goes_on_until_ = 0;
  EventQueue line_events_;
  Lines lines_;
  // What each CPU spins for, or last did.
  std::vector<Condition> spins_;
  // Where each core is and what it asks for, each domain's agent, and each package's home agent, by number.
  std::vector<Place> core_place_;
  std::vector<Asking> asking_;
  std::vector<Place> domains_;
  std::vector<Place> agents_;
  Statistics statistics_;
  // Of each hardware thread.
  std::vector<Spent> spent_;
  bool watching_ = false;
  std::vector<HandOver> hand_overs_;
  std::mt19937_64 random_;

  Fiber thread_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  const std::function<void(unsigned)>* body_ = nullptr;
  unsigned live_ = 0;
};

}  // namespace mmscale::machine::simulator
