// SPDX-License-Identifier: MIT
//
// Where a CPU's virtual time went. Every picosecond is in one place only, so that the parts are the whole.
#pragma once

#include <array>

#include "machine/machine.h"
#include "machine/simulator/model.h"

namespace mmscale::machine::simulator {

// Begins a line of the host's cache, with what each fence adds to.
struct alignas(kLine) Spent {
  // What is nowhere else: instructions that hit, computing, thinking.
  Picoseconds work = 0;
  // Fences, and waiting for the store buffer: an atomic does that, too.
  Picoseconds fences = 0;
  // Its request was at a line's agent, and others were served.
  Picoseconds waiting = 0;
  // The rest of a request's way, there and back, by how far the line had to come: from its owner, from the
  // farthest sharer that had to be told, or from where it was read.
  std::array<Picoseconds, kReaches> transfer{};
  // Raising, being interrupted, running what was asked for, waiting for the answers, and the lines all that moves.
  Picoseconds interrupts = 0;
  // Waiting for what another CPU writes, outside of interrupts.
  Picoseconds spinning = 0;

  constexpr Picoseconds total() const {
    Picoseconds sum = waiting + fences + interrupts + spinning + work;
    for (const Picoseconds time : transfer) sum += time;
    return sum;
  }
  constexpr Spent& operator+=(const Spent& other) {
    waiting += other.waiting;
    for (std::size_t r = 0; r < kReaches; ++r) transfer[r] += other.transfer[r];
    fences += other.fences;
    interrupts += other.interrupts;
    spinning += other.spinning;
    work += other.work;
    return *this;
  }
  // What came to it since `before`.
  constexpr Spent since(const Spent& before) const {
    Spent part = *this;
    part.waiting -= before.waiting;
    for (std::size_t r = 0; r < kReaches; ++r) part.transfer[r] -= before.transfer[r];
    part.fences -= before.fences;
    part.interrupts -= before.interrupts;
    part.spinning -= before.spinning;
    part.work -= before.work;
    return part;
  }
};

}  // namespace mmscale::machine::simulator
