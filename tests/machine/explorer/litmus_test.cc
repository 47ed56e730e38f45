// SPDX-License-Identifier: MIT
//
// Soundness of the explorer: on small programs the final states found with reduction are those found without
// it, and those known for the memory model (Sewell et al., "x86-TSO", CACM 2010; SPARC v9 for pso).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <vector>

#include "machine/explorer/explore.h"
#include "machine/explorer/explorer.h"
#include "small_program.h"

// One thread runs all: ThreadSanitizer has nothing to find, and takes a millisecond to start a fiber anew.
#if !defined(__SANITIZE_THREAD__)
namespace mmscale::machine::explorer {
namespace {

using test::Body;
using test::explore_all;
using test::Explored;
using test::SmallProgram;
using test::Words;
using ::testing::Contains;
using ::testing::Not;
using enum std::memory_order;

using State = SmallProgram::State;

Body put(std::vector<unsigned> words, std::memory_order order = relaxed) {
  return [=](Explorer& m, Words& w) {
    for (const unsigned word : words) m.store(w.shared[word], 1, order);
  };
}

Body get(std::vector<unsigned> words, unsigned first_register) {
  return [=](Explorer& m, Words& w) {
    unsigned r = first_register;
    for (const unsigned word : words) w.registers[r++] = m.load(w.shared[word], acquire);
  };
}

Body then(Body a, Body b) {
  return [=](Explorer& m, Words& w) {
    a(m, w);
    b(m, w);
  };
}

const Body kFence = [](Explorer& m, Words&) { m.fence(); };

Body increment(unsigned word) {
  return [=](Explorer& m, Words& w) { m.fetch_add(w.shared[word], 1, relaxed); };
}

// Load and store apart: loses updates.
Body careless_increment(unsigned word) {
  return
      [=](Explorer& m, Words& w) { m.store(w.shared[word], m.load(w.shared[word], relaxed) + 1, relaxed); };
}

// A test-and-set lock round a careless increment.
const Body kLocked = [](Explorer& m, Words& w) {
  while (m.exchange(w.shared[0], 1, acquire) != 0)
    m.spin_until(w.shared[0], [](std::uint64_t taken) { return taken == 0; });
  m.store(w.shared[1], m.load(w.shared[1], relaxed) + 1, relaxed);
  m.store(w.shared[0], 0, release);
};

// CPU 0 counts up under interrupts, CPU 1 interrupts it.
void bump(Explorer& m, void* words) {
  Words& w = *static_cast<Words*>(words);
  m.store(w.shared[1], m.load(w.shared[0], relaxed) + 1, relaxed);
}
const Body kInterruptible = [](Explorer& m, Words& w) {
  m.store(w.shared[0], 1, relaxed);
  m.irq_disable();
  m.store(w.shared[0], 2, relaxed);
  m.store(w.shared[0], 3, relaxed);
  m.irq_enable();
  w.registers[0] = m.load(w.shared[1], relaxed);
};
const Body kInterrupter = [](Explorer& m, Words& w) {
  m.call_many(test::only_cpu(0), bump, &w);
  w.registers[1] = m.load(w.shared[1], relaxed);
};

struct Case {
  std::string name;
  std::vector<Body> bodies;
};

std::vector<Case> cases() {
  return {
      {"store_buffering", {then(put({0}), get({1}, 0)), then(put({1}), get({0}, 1))}},
      {"store_buffering_fenced",
       {then(put({0}), then(kFence, get({1}, 0))), then(put({1}), then(kFence, get({0}, 1)))}},
      {"store_buffering_half_fenced",
       {then(put({0}), then(kFence, get({1}, 0))), then(put({1}), get({0}, 1))}},
      {"message_passing", {put({0, 1}), get({1, 0}, 0)}},
      {"message_passing_release", {then(put({0}), put({1}, release)), get({1, 0}, 0)}},
      {"own_store_seen_early", {then(put({0}), get({0, 1}, 0)), then(put({1}), get({1, 0}, 2))}},
      {"iriw", {put({0}), put({1}), get({0, 1}, 0), get({1, 0}, 2)}},
      {"increments", {increment(0), increment(0), increment(0)}},
      {"careless_increments", {careless_increment(0), careless_increment(0)}},
      {"lock", {kLocked, kLocked}},
      {"two_plus_two_writes",
       {then(put({0}), [](Explorer& m, Words& w) { m.store(w.shared[1], 2, relaxed); }),
        then(put({1}), [](Explorer& m, Words& w) { m.store(w.shared[0], 2, relaxed); })}},
      {"interrupt", {kInterruptible, kInterrupter}},
      {"interrupts_crossing",
       {kInterrupter, [](Explorer& m, Words& w) { m.call_many(test::only_cpu(0), bump, &w); }}},
  };
}

class Reduction : public ::testing::TestWithParam<std::tuple<std::size_t, Memory>> {};

TEST_P(Reduction, FindsTheSameFinalStatesAsNoReduction) {
  const auto [index, memory] = GetParam();
  const Case one = cases()[index];
  const Explored reduced = explore_all(one.bodies, memory, true);
  const Explored all = explore_all(one.bodies, memory, false);
  EXPECT_EQ(reduced.result.ending, Ending::exhausted);
  EXPECT_EQ(all.result.ending, Ending::exhausted);
  EXPECT_EQ(reduced.states, all.states);
  EXPECT_LE(reduced.result.executions, all.result.executions);
  const Explored remembered = explore_all(one.bodies, memory, true, 0);
  EXPECT_EQ(remembered.result.ending, Ending::exhausted);
  EXPECT_EQ(remembered.states, all.states);
  EXPECT_LE(remembered.result.executions, reduced.result.executions);
}

INSTANTIATE_TEST_SUITE_P(Explorer, Reduction,
                         ::testing::Combine(::testing::Range(std::size_t{0}, cases().size()),
                                            ::testing::Values(Memory::sc, Memory::tso, Memory::pso)),
                         [](const auto& one) {
                           return cases()[std::get<0>(one.param)].name + "_" +
                                  std::string(to_string(std::get<1>(one.param)));
                         });

Explored explore_case(std::string_view name, Memory memory) {
  for (const Case& one : cases())
    if (one.name == name) return explore_all(one.bodies, memory);
  ADD_FAILURE() << name;
  return {};
}

TEST(Litmus, StoreBufferingNeedsABufferAndIsEndedByFences) {
  EXPECT_THAT(explore_case("store_buffering", Memory::sc).registers(2), Not(Contains(State{0, 0})));
  EXPECT_THAT(explore_case("store_buffering", Memory::tso).registers(2), Contains(State{0, 0}));
  EXPECT_THAT(explore_case("store_buffering_fenced", Memory::tso).registers(2), Not(Contains(State{0, 0})));
  EXPECT_THAT(explore_case("store_buffering_half_fenced", Memory::tso).registers(2), Contains(State{0, 0}));
  EXPECT_EQ(explore_case("store_buffering", Memory::tso).registers(2).size(), 4u);
}

TEST(Litmus, MessagePassingBreaksOnlyWhereStoresPassEachOther) {
  EXPECT_THAT(explore_case("message_passing", Memory::sc).registers(2), Not(Contains(State{1, 0})));
  EXPECT_THAT(explore_case("message_passing", Memory::tso).registers(2), Not(Contains(State{1, 0})));
  EXPECT_THAT(explore_case("message_passing", Memory::pso).registers(2), Contains(State{1, 0}));
  EXPECT_THAT(explore_case("message_passing_release", Memory::pso).registers(2), Not(Contains(State{1, 0})));
}

TEST(Litmus, ACpuSeesItsOwnStoreBeforeOthersDo) {
  EXPECT_THAT(explore_case("own_store_seen_early", Memory::sc).registers(4),
              Not(Contains(State{1, 0, 1, 0})));
  EXPECT_THAT(explore_case("own_store_seen_early", Memory::tso).registers(4), Contains(State{1, 0, 1, 0}));
}

TEST(Litmus, IndependentReadersAgreeInAllThreeModels) {
  for (const Memory memory : {Memory::sc, Memory::tso, Memory::pso})
    EXPECT_THAT(explore_case("iriw", memory).registers(4), Not(Contains(State{1, 0, 1, 0})));
}

TEST(Litmus, IncrementsAreLostOnlyWhenCareless) {
  const auto counts = [](const Explored& explored, std::size_t word) {
    std::set<std::uint64_t> seen;
    for (const State& state : explored.states) seen.insert(state[4 + word]);
    return seen;
  };
  EXPECT_EQ(counts(explore_case("increments", Memory::tso), 0), (std::set<std::uint64_t>{3}));
  EXPECT_EQ(counts(explore_case("careless_increments", Memory::sc), 0), (std::set<std::uint64_t>{1, 2}));
  for (const Memory memory : {Memory::sc, Memory::tso, Memory::pso})
    EXPECT_EQ(counts(explore_case("lock", memory), 1), (std::set<std::uint64_t>{2}));
}

TEST(Litmus, AnInterruptComesBeforeBetweenOrAfterButNotWhereInterruptsAreOff) {
  std::set<std::uint64_t> seen;
  for (const State& state : explore_case("interrupt", Memory::tso).states) seen.insert(state[5]);
  // The handler saw 0, 1 or 3, and adds one; never 2, and always a finished buffer.
  EXPECT_EQ(seen, (std::set<std::uint64_t>{1, 2, 4}));
}

}  // namespace
}  // namespace mmscale::machine::explorer
#endif
