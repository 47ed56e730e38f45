// SPDX-License-Identifier: MIT
//
// The vocabulary of an exploration: which memory model, what one CPU can do next, and whether two such things
// commute.
#pragma once

#include <cstdint>
#include <string_view>

namespace mmscale::machine::explorer {

// What CPUs see of each other's stores. Under the first three loads are performed in program order, and a store is
// seen by all other CPUs at once (multi-copy atomicity).
enum class Memory {
  sc,    // at once: sequential consistency
  tso,   // through a FIFO store buffer per CPU: x86-TSO (Owens, Sarkar, Sewell 2009)
  pso,   // through a buffer that keeps order only per location and before a release: SPARC's partial store
         // order
  rc11,  // C++'s own, without load buffering: messages and views (rc11.h). What POWER and Arm allow
};

inline constexpr Memory kMemories[] = {Memory::sc, Memory::tso, Memory::pso, Memory::rc11};

constexpr std::string_view to_string(Memory memory) {
  constexpr std::string_view kNames[] = {"sc", "tso", "pso", "rc11"};
  return kNames[static_cast<std::size_t>(memory)];
}

// One thing that can happen next.
struct Transition {
  enum class Kind : std::uint8_t {
    step,       // the CPU performs its pending operation and runs on to its next one
    drain,      // the oldest store (under pso: store number `store`) of the CPU's buffer reaches memory
    interrupt,  // the CPU takes the requests in its inbox
  };

  Kind kind = Kind::step;
  std::uint8_t cpu = 0;
  // Of a drain the number of the store among all that this CPU buffered in this execution. Under rc11, of a step
  // that reads, the message read, and of a store the message it lands right behind (rc11.h: Time); in a Schedule it
  // is how many newer messages there are. Else 0.
  std::uint32_t store = 0;

  bool operator==(const Transition&) const = default;
};

// What a transition touches of what other transitions may touch.
struct Footprint {
  // The location in memory; nullptr if none.
  const void* location = nullptr;
  bool writes = false;
  // A step that reads or waits, whether from memory or from the CPU's own buffer: its own drains matter to
  // it.
  const void* looked_at = nullptr;
  // Under rc11 two read-modify-writes stand in each other's way only if they read the same message.
  std::uint32_t place = 0;
};

// Whether two transitions enabled in the same state may lead to different states, or one may disable the
// other, by their order. Two steps of one CPU cannot be enabled at once; a CPU's step and its interrupt
// exclude each other's place in program order; a drain matters to a look of its own CPU at the same location.
//
// Under rc11 a load that reads a given message commutes with everything on other CPUs, and so does a store, taken with
// all the places it may land in: whichever of two stores comes first, the other may land before it and behind it.
constexpr bool dependent(const Transition& a, const Footprint& at, const Transition& b, const Footprint& bt) {
  using enum Transition::Kind;
  if (a.cpu == b.cpu) {
    if (a.kind == drain && b.kind == drain) return false;
    if (a.kind == drain && b.kind == step) return bt.looked_at == at.location;
    if (a.kind == step && b.kind == drain) return at.looked_at == bt.location;
    return true;
  }
  return at.location != nullptr && at.location == bt.location && at.place == bt.place &&
         (at.writes || bt.writes);
}

}  // namespace mmscale::machine::explorer
