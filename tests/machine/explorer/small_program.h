// SPDX-License-Identifier: MIT
//
// A program of a few lines per CPU over a few words, and the set of final states that exploring it finds.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "machine/explorer/explore.h"
#include "machine/explorer/explorer.h"

namespace mmscale::test {

using Word = machine::explorer::Explorer::Atomic<std::uint64_t>;

// Shared words, and registers: what CPUs have read, one CPU's never written by another.
struct Words {
  std::array<Word, 5> shared;
  std::array<std::uint64_t, 4> registers{};
};

using Body = std::function<void(machine::explorer::Explorer&, Words&)>;

class SmallProgram : public machine::explorer::Program {
 public:
  using State = std::vector<std::uint64_t>;

  explicit SmallProgram(std::vector<Body> bodies) : bodies_(std::move(bodies)) {}

  unsigned cpus() const override { return static_cast<unsigned>(bodies_.size()); }
  void attach(machine::explorer::World& world) override {
    machines_.clear();
    words_ = std::make_unique<Words>();
    for (unsigned cpu = 0; cpu < cpus(); ++cpu)
      machines_.push_back(std::make_unique<machine::explorer::Explorer>(world, cpu));
  }
  std::vector<std::span<std::byte>> state() override {
    return {{reinterpret_cast<std::byte*>(words_.get()), sizeof(Words)}};
  }
  void run(unsigned cpu) override { bodies_[cpu](*machines_[cpu], *words_); }
  bool violated() const override { return bad && bad(*words_); }

  // Registers, then shared words.
  State final_state() const {
    State state(words_->registers.begin(), words_->registers.end());
    for (const Word& word : words_->shared) state.push_back(word.value);
    return state;
  }

  const Words& words() const { return *words_; }

  // What counts as a violation.
  std::function<bool(const Words&)> bad;

 private:
  std::vector<Body> bodies_;
  std::unique_ptr<Words> words_;
  std::vector<std::unique_ptr<machine::explorer::Explorer>> machines_;
};

// The set of one CPU. Lives outside the fibers, which must own nothing.
inline const machine::CpuMask& only_cpu(unsigned cpu) {
  static const std::vector<machine::CpuMask> masks = [] {
    std::vector<machine::CpuMask> all(machine::explorer::kMaxCpus,
                                      machine::CpuMask(machine::explorer::kMaxCpus));
    for (unsigned n = 0; n < all.size(); ++n) all[n].set(n);
    return all;
  }();
  return masks[cpu];
}

struct Explored {
  machine::explorer::Result result;
  std::set<SmallProgram::State> states;

  // The values that the first `count` registers end with.
  std::set<SmallProgram::State> registers(std::size_t count) const {
    std::set<SmallProgram::State> seen;
    for (const auto& state : states)
      seen.insert({state.begin(), state.begin() + static_cast<std::ptrdiff_t>(count)});
    return seen;
  }
};

inline Explored explore_all(std::vector<Body> bodies, machine::explorer::Memory memory, bool reduce = true,
                            std::uint64_t remember_after = UINT64_MAX) {
  SmallProgram program(std::move(bodies));
  Explored explored;
  machine::explorer::Limits limits;
  limits.reduce = reduce;
  limits.remember_after = remember_after;
  explored.result = machine::explorer::explore(program, memory, limits,
                                               [&] { explored.states.insert(program.final_state()); });
  return explored;
}

}  // namespace mmscale::test
