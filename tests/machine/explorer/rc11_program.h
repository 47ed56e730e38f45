// SPDX-License-Identifier: MIT
//
// A straight program of a few loads, stores, read-modify-writes and fences per thread (rc11_axioms.h), run by the
// explorer.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "rc11_axioms.h"
#include "small_program.h"

namespace mmscale::test {

inline Instruction R(unsigned location, std::memory_order order = std::memory_order_relaxed) {
  return {Instruction::Kind::load, order, location, 0};
}
inline Instruction W(unsigned location, std::uint64_t value,
                     std::memory_order order = std::memory_order_relaxed) {
  return {Instruction::Kind::store, order, location, value};
}
inline Instruction U(unsigned location, std::uint64_t value,
                     std::memory_order order = std::memory_order_relaxed) {
  return {Instruction::Kind::rmw, order, location, value};
}
inline Instruction F(std::memory_order order) { return {Instruction::Kind::fence, order, 0, 0}; }

struct Run {
  bool reduce = true;
  std::uint64_t remember_after = UINT64_MAX;
  machine::explorer::Rc11::Fault fault = machine::explorer::Rc11::Fault::none;
};

class StraightProgram : public machine::explorer::Program {
 public:
  StraightProgram(const Threads& threads, unsigned locations) : threads_(threads), locations_(locations) {
    std::size_t first = 0;
    for (const auto& thread : threads_) {
      first_.push_back(first);
      for (const Instruction& one : thread)
        first += one.kind == Instruction::Kind::load || one.kind == Instruction::Kind::rmw ? 1 : 0;
    }
    memory_.reads.resize(first);
  }

  unsigned cpus() const override { return static_cast<unsigned>(threads_.size()); }
  void attach(machine::explorer::World& world) override {
    machines_.clear();
    for (unsigned cpu = 0; cpu < cpus(); ++cpu)
      machines_.push_back(std::make_unique<machine::explorer::Explorer>(world, cpu));
  }
  std::vector<std::span<std::byte>> state() override {
    return {std::as_writable_bytes(std::span(memory_.words)),
            std::as_writable_bytes(std::span(memory_.reads))};
  }
  void run(unsigned cpu) override {
    auto& m = *machines_[cpu];
    std::size_t next = first_[cpu];
    for (const Instruction& one : threads_[cpu]) {
      Word& word = memory_.words[one.location];
      switch (one.kind) {
        case Instruction::Kind::load:
          memory_.reads[next++] = m.load(word, one.order);
          break;
        case Instruction::Kind::store:
          m.store(word, one.value, one.order);
          break;
        case Instruction::Kind::rmw:
          memory_.reads[next++] = m.fetch_add(word, one.value, one.order);
          break;
        case Instruction::Kind::fence:
          m.fence(one.order);
          break;
      }
    }
  }

  Outcome outcome() const {
    Outcome out = memory_.reads;
    for (unsigned l = 0; l < locations_; ++l) out.push_back(memory_.words[l].value);
    return out;
  }

 private:
  const Threads threads_;
  const unsigned locations_;
  std::vector<std::size_t> first_;
  struct {
    std::array<Word, 8> words;
    std::vector<std::uint64_t> reads;
  } memory_;
  std::vector<std::unique_ptr<machine::explorer::Explorer>> machines_;
};

// What the explorer finds; nothing if it could not finish.
inline std::set<Outcome> explored(const Threads& threads, unsigned locations, Run how = {}) {
  StraightProgram program(threads, locations);
  machine::explorer::Limits limits;
  limits.reduce = how.reduce;
  limits.remember_after = how.remember_after;
  limits.fault = how.fault;
  std::set<Outcome> outcomes;
  const auto ended = machine::explorer::explore(program, machine::explorer::Memory::rc11, limits,
                                                [&] { outcomes.insert(program.outcome()); });
  if (ended.ending != machine::explorer::Ending::exhausted) outcomes.clear();
  return outcomes;
}

}  // namespace mmscale::test
