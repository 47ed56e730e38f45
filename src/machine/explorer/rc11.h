// SPDX-License-Identifier: MIT
//
// C++'s memory as repaired C11 has it (RC11: Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing Sequential
// Consistency in C/C++11", PLDI 2017; release sequences as C++20 has them), run forward as ORC11 does (Dang,
// Jourdan, Kaiser, Dreyer, POPL 2020): a location is its messages in modification order, each store one, and a
// CPU has a view, the newest message of every location that it knows of. It reads any message that is not older
// than its view, and a store lands anywhere behind it. Which of them is the explorer's choice.
//
// Not covered: load buffering. What is read has been written before (RC11's sb U rf is acyclic).
//
// SC fences are ordered by RC11's own axiom (psc_F acyclic) and not by one global view, which forbids more:
// it would order two fences by a chain of relaxed accesses between them. An SC access is checked against the
// whole of psc (sc_graph.h).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

#include "machine/explorer/checkpoint.h"
#include "machine/explorer/sc_graph.h"
#include "machine/explorer/visited.h"

namespace mmscale::machine::explorer {

// Where in modification order: larger is later. Between two there is room for some twenty more.
using Time = std::uint32_t;

// One bit for each SC fence of an execution.
using FenceSet = std::uint64_t;

// Locations that more than one CPU touches, at most. The largest case has some 60 under reduction.
inline constexpr unsigned kMaxLocations = 256;

// What is known at some point: of each location the newest message, and what SC fences and events (sc_graph.h)
// happened before.
struct View {
  std::array<Time, kMaxLocations> seen;
  FenceSet fences = 0;
  EventSet events = 0;
};

class Rc11 {
 public:
  // Faults to put in on purpose: tests must find each.
  enum class Fault {
    none,
    acquire_joins_nothing,
    acquire_fence_forgotten,
    release_fence_forgotten,
    release_sequence_cut,
    own_view_ignored,
    sc_fences_unordered,
    sc_accesses_unordered,
    message_taken_twice,
    ipi_carries_nothing,
  };

  explicit Rc11(unsigned cpus);
  void set_fault(Fault fault) { fault_ = fault; }

  // A new execution: nothing stored yet.
  void begin();
  // Of the execution at hand, as World::checkpoint.
  void checkpoint(Checkpoint& point);

  // The number of a location. Its first message is what stands in memory when the execution first asks.
  unsigned locate(const void* address, std::size_t bytes);

  // Calls f(time, value) for every message that `cpu` may read, newest first; for a read-modify-write only those
  // that no other one has read.
  template <class F>
  void for_each_readable(unsigned cpu, unsigned location, std::memory_order order, bool rmw, F&& f) const {
    const Location& at = locations_[location];
    const Time least = floor(cpu, location, cpus_[cpu].now.fences);
    for (std::size_t i = at.messages.size(); i-- > 0 && at.messages[i].time >= least;) {
      const Message& message = at.messages[i];
      if (rmw && message.taken && fault_ != Fault::message_taken_twice) continue;
      if (is_acquire(order) && !may_acquire(cpu, location, message)) continue;
      f(message.time, message.value);
    }
  }
  // Calls f(time) for every message that a store of `cpu` may land right behind, newest first.
  template <class F>
  void for_each_landing(unsigned cpu, unsigned location, F&& f) const {
    const Location& at = locations_[location];
    const Time least = floor(cpu, location, cpus_[cpu].now.fences);
    for (std::size_t i = at.messages.size(); i-- > 0 && at.messages[i].time >= least;)
      if (!at.messages[i].taken) f(at.messages[i].time);
  }

  // Reads the message of that time. `rmw`: write() follows.
  std::uint64_t read(unsigned cpu, unsigned location, Time time, std::memory_order order, bool rmw);
  // A store that lands right behind that message, and in memory if it is the newest. `rmw`: the message was read
  // by the same operation.
  void write(unsigned cpu, unsigned location, Time behind, std::memory_order order, std::uint64_t value,
             bool rmw);
  void fence(unsigned cpu, std::memory_order order);

  // Synchronisation by other means, an IPI: what `cpu` knows now, and the knowing of it.
  using Snapshot = int;
  static constexpr Snapshot kNothing = -1;
  Snapshot publish(unsigned cpu);
  void acquire(unsigned cpu, Snapshot snapshot);

  // The newest message's time; how many messages are newer than that of `time`, or than a store behind it.
  Time newest(unsigned location) const { return locations_[location].messages.back().time; }
  unsigned newer(unsigned location, Time time) const;

  // A mark that `cpu` leaves at `address`, which nobody reads; and whether `cpu` knows of the newest.
  void mark(unsigned cpu, const void* address);
  bool knows_mark(unsigned cpu, const void* address) const;

  // False once an SC access has closed a cycle: this execution cannot be.
  bool consistent() const { return consistent_; }
  // More messages between two, or fences, or SC accesses, than there is room for.
  bool exhausted() const { return exhausted_; }

  // SC accesses are kept apart from SC fences, which suffice where a program has none of the former: with events on,
  // every access is remembered for sc_graph.h.
  void keep_events(bool on) { keep_events_ = on; }
  // An access that needs no message, since one CPU alone touches the location.
  void private_access(unsigned cpu, const void* address, std::memory_order order);

  // Everything that decides how this memory goes on, in a normal form: messages by rank, without those that nobody
  // can read any more; SC fences by CPU, without those that can constrain nobody. `snapshots` are those still to be
  // acquired.
  void add_state(Digester& digester, std::span<const Snapshot> snapshots);
  // The rank of a message in that form. Behind add_state.
  std::uint32_t rank(unsigned location, Time time) const;

 private:
  struct Message {
    Time time;
    // A read-modify-write has read it and stands right behind it.
    bool taken;
    Snapshot view;
    // The SC fences that happen before the store, and before its reads.
    FenceSet written;
    FenceSet read;
    std::uint64_t value;
  };
  struct Location {
    const void* address = nullptr;
    std::size_t bytes = 0;
    std::uint64_t execution = 0;
    std::vector<Message> messages;
    // Of the normal form: the oldest message that somebody can still read.
    Time oldest = 0;
  };
  struct Cpu {
    View now;
    // What an acquire fence would add.
    View acquirable;
    // What the last release fence knew.
    Snapshot released = kNothing;
    unsigned fences = 0;
  };
  struct Fence {
    unsigned cpu;
    unsigned number;
    Snapshot view;
    // Those that must come before it (psc_F, transitive).
    FenceSet before;
  };

  static bool is_acquire(std::memory_order order) {
    return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
           order == std::memory_order_seq_cst || order == std::memory_order_consume;
  }
  static bool is_release(std::memory_order order) {
    return order == std::memory_order_release || order == std::memory_order_acq_rel ||
           order == std::memory_order_seq_cst;
  }

  Time floor(unsigned cpu, unsigned location, FenceSet fences) const;
  bool may_acquire(unsigned cpu, unsigned location, const Message& message) const;
  std::size_t index_of(const Location& location, Time time) const;
  void copy(View& to, const View& from) const;
  void join(View& to, const View& from) const;
  Snapshot keep(const View& view);
  FenceSet closure(FenceSet fences) const;
  void put_before(FenceSet fences, unsigned location, Time time);
  void sc_fence(unsigned cpu);
  void note_event(unsigned cpu, ScGraph::Event event);
  void add_view(const View& view);
  FenceSet renamed(FenceSet fences) const;

  // Of an appended message. The rest of the bits are for those that land in between.
  static constexpr Time kApart = Time{1} << 20;
  static constexpr unsigned kMaxFences = 64;

  Fault fault_ = Fault::none;
  std::uint64_t execution_ = 0;
  bool consistent_ = true;
  bool exhausted_ = false;
  bool keep_events_ = false;
  std::unordered_map<const void*, unsigned> numbers_;
  std::vector<Location> locations_;
  std::vector<Cpu> cpus_;
  std::deque<View> snapshots_;
  std::size_t snapshots_used_ = 0;
  std::vector<Fence> fences_;
  ScGraph graph_;
  // Of the normal form.
  std::vector<std::uint32_t> form_;
  FenceSet live_ = 0;
  std::array<std::uint8_t, kMaxFences> new_name_{};
};

}  // namespace mmscale::machine::explorer
