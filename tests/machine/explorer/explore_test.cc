// SPDX-License-Identifier: MIT
#include "machine/explorer/explore.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <set>
#include <stdexcept>
#include <vector>

#include "machine/explorer/explorer.h"
#include "machine/explorer/visited.h"
#include "small_program.h"

// One thread runs all: ThreadSanitizer has nothing to find, and takes a millisecond to start a fiber anew.
#if !defined(__SANITIZE_THREAD__)
namespace mmscale::machine::explorer {
namespace {

using test::Body;
using test::explore_all;
using test::SmallProgram;
using test::Words;
using enum std::memory_order;

const Body kWaitsForOne = [](Explorer& m, Words& w) {
  m.spin_until(w.shared[0], [](std::uint64_t value) { return value == 1; });
};

// Peterson's lock without its fence; registers[2] is set by whoever is in while the other is too.
Body peterson(unsigned self, bool fenced) {
  return [=](Explorer& m, Words& w) {
    const unsigned other = 1 - self;
    m.store(w.shared[self], 1, relaxed);
    m.store(w.shared[2], other, relaxed);
    if (fenced) m.fence();
    if (m.load(w.shared[other], acquire) != 0 && m.load(w.shared[2], acquire) == other) return;
    if (m.fetch_add(w.shared[3], 1, relaxed) != 0) w.registers[2] = 1;
    m.fetch_sub(w.shared[3], 1, relaxed);
    m.store(w.shared[self], 0, release);
  };
}

SmallProgram peterson_program(bool fenced) {
  SmallProgram program({peterson(0, fenced), peterson(1, fenced)});
  program.bad = [](const Words& w) { return w.registers[2] != 0; };
  return program;
}

TEST(Explore, SaysWhenAllWait) {
  const auto explored = explore_all({kWaitsForOne, kWaitsForOne}, Memory::tso);
  EXPECT_EQ(explored.result.ending, Ending::deadlock);
}

TEST(Explore, AWaitEndsWhenItsValueComes) {
  const Body sets = [](Explorer& m, Words& w) { m.store(w.shared[0], 1, relaxed); };
  EXPECT_EQ(explore_all({kWaitsForOne, sets}, Memory::tso).result.ending, Ending::exhausted);
}

TEST(Explore, TwoSendersWithInterruptsOffDeadlock) {
  const auto send_to = [](unsigned target) {
    return Body([target](Explorer& m, Words& w) {
      m.irq_disable();
      m.call_many(
          test::only_cpu(target), [](Explorer&, void*) {}, &w);
      m.irq_enable();
    });
  };
  EXPECT_EQ(explore_all({send_to(1), send_to(0)}, Memory::tso).result.ending, Ending::deadlock);
}

TEST(Explore, FindsTheMissingFenceUnderTsoAndProvesTheRest) {
  SmallProgram unfenced = peterson_program(false);
  SmallProgram fenced = peterson_program(true);
  EXPECT_EQ(explore(unfenced, Memory::sc, {}).ending, Ending::exhausted);
  EXPECT_EQ(explore(unfenced, Memory::tso, {}).ending, Ending::violated);
  EXPECT_EQ(explore(fenced, Memory::tso, {}).ending, Ending::exhausted);
}

TEST(Explore, AScheduleReplaysToItsViolationAndSurvivesPrinting) {
  for (const Memory memory : {Memory::tso, Memory::pso}) {
    SmallProgram program = peterson_program(false);
    const Result found = explore(program, memory, {});
    ASSERT_EQ(found.ending, Ending::violated);
    const Schedule read_back = parse_schedule(to_string(found.schedule));
    EXPECT_EQ(to_string(read_back), to_string(found.schedule));
    SmallProgram again = peterson_program(false);
    const Replay replayed = replay(again, read_back);
    EXPECT_EQ(replayed.ending, Ending::violated);
    EXPECT_FALSE(replayed.events.empty());
  }
}

TEST(Explore, AScheduleThatCannotBeIsRefused) {
  SmallProgram program = peterson_program(true);
  EXPECT_THROW(replay(program, parse_schedule("tso:0,0d*9")), std::invalid_argument);
  EXPECT_THROW(parse_schedule("0*3"), std::invalid_argument);
  EXPECT_THROW(parse_schedule("tso:x"), std::invalid_argument);
  EXPECT_THROW(parse_schedule("tso:0*3;1"), std::invalid_argument);
  EXPECT_THROW(parse_schedule("tso:256"), std::invalid_argument);
}

TEST(Explore, StopsExactlyAtItsLimitAndSaysSo) {
  SmallProgram program = peterson_program(true);
  Limits limits;
  limits.steps = 10;
  const Result result = explore(program, Memory::tso, limits);
  EXPECT_EQ(result.ending, Ending::stopped);
  EXPECT_EQ(result.steps, 10u);
}

TEST(Explore, ALimitCountsWhatItWentBackToAsIfItHadRunAgain) {
  for (std::uint64_t steps = 1; steps < 200; ++steps) {
    SmallProgram kept = peterson_program(true);
    SmallProgram again = peterson_program(true);
    Limits limits;
    limits.steps = steps;
    const Result with = explore(kept, Memory::tso, limits);
    limits.points = 0;
    const Result without = explore(again, Memory::tso, limits);
    EXPECT_EQ(with.steps, without.steps);
    EXPECT_EQ(with.executions, without.executions) << steps;
    EXPECT_EQ(with.ending, without.ending) << steps;
  }
}

TEST(Explore, AProgramThatNeverEndsIsStopped) {
  SmallProgram program({[](Explorer& m, Words& w) {
                          for (;;) m.fetch_add(w.shared[0], 1, relaxed);
                        },
                        [](Explorer& m, Words& w) { m.fetch_add(w.shared[0], 1, relaxed); }});
  Limits limits;
  limits.depth = 100;
  EXPECT_EQ(explore(program, Memory::tso, limits).ending, Ending::stopped);
}

TEST(Explore, ABoundOfZeroRunsEachCpuToItsEnd) {
  SmallProgram program = peterson_program(false);
  Limits limits;
  limits.preemptions = 0;
  EXPECT_EQ(explore(program, Memory::sc, limits).executions, 2u);
}

// Three CPUs count up one word twice each: 90 orders of six additions. A state is who has added how often,
// and what each saw.
TEST(Explore, RememberedStatesAreExploredOnce) {
  const Body counts = [](Explorer& m, Words& w) {
    m.fetch_add(w.shared[0], 1, relaxed);
    m.fetch_add(w.shared[0], 1, relaxed);
  };
  const auto forgetful = explore_all({counts, counts, counts}, Memory::sc);
  const auto remembering = explore_all({counts, counts, counts}, Memory::sc, true, 0);
  EXPECT_EQ(forgetful.result.executions, 90u);
  EXPECT_LT(remembering.result.executions, 45u);
  EXPECT_GT(remembering.result.states, 27u);
  EXPECT_EQ(remembering.states, forgetful.states);
}

TEST(Explore, AViolationIsFoundWhileRemembering) {
  SmallProgram unfenced = peterson_program(false);
  SmallProgram fenced = peterson_program(true);
  Limits limits;
  limits.remember_after = 0;
  EXPECT_EQ(explore(unfenced, Memory::tso, limits).ending, Ending::violated);
  EXPECT_EQ(explore(fenced, Memory::tso, limits).ending, Ending::exhausted);
}

// A state left while a transition slept there, and reached again while it does not sleep, is not covered.
TEST(Visited, AStateIsCoveredByWhatWasExploredFromIt) {
  Visited visited;
  const Digest state = {1, 2};
  const Transition a{Transition::Kind::step, 0, 0};
  const Transition b{Transition::Kind::step, 1, 0};
  EXPECT_FALSE(visited.covers(state, {a, b}));
  EXPECT_TRUE(visited.covers(state, {b, a}));
  EXPECT_FALSE(visited.covers(state, {a}));
  EXPECT_TRUE(visited.covers(state, {a}));
  EXPECT_TRUE(visited.covers(state, {a, b}));
  EXPECT_FALSE(visited.covers({1, 3}, {}));
  EXPECT_FALSE(visited.covers(state, {}));
}

// A program whose first CPU is another than the rest, which are alike and have a word each, `shared[cpu]`, that is theirs.
class Alike final : public SmallProgram {
 public:
  Alike(Body first, Body other, unsigned others)
      : SmallProgram(bodies(first, other, others)), others_(others) {}
  CpuSet interchangeable() const override { return ((CpuSet{1} << others_) - 1) << 1; }
  unsigned owner_of(const void* location) const override {
    for (unsigned cpu = 1; cpu <= others_; ++cpu)
      if (location == &words().shared[cpu]) return cpu;
    return kMaxCpus;
  }

 private:
  static std::vector<Body> bodies(const Body& first, const Body& other, unsigned others) {
    std::vector<Body> all(1 + others, other);
    all[0] = first;
    return all;
  }
  const unsigned others_;
};

// What the registers of the alike end with, in no order, and how many executions it took.
struct Renamed {
  std::set<std::multiset<std::uint64_t>> outcomes;
  std::uint64_t executions = 0;
  Ending ending = Ending::exhausted;
};
Renamed explore_alike(const Body& first, const Body& other, unsigned others, Memory memory, bool symmetry,
                      std::uint64_t remember_after, std::function<bool(const Words&)> bad = {}) {
  Alike program(first, other, others);
  program.bad = std::move(bad);
  Limits limits;
  limits.symmetry = symmetry;
  limits.remember_after = remember_after;
  Renamed found;
  const Result result = explore(program, memory, limits, [&] {
    const auto state = program.final_state();
    found.outcomes.insert({state.begin() + 1, state.begin() + 1 + others});
  });
  found.executions = result.executions;
  found.ending = result.ending;
  return found;
}

// Takes a number, whoever comes first the smallest, and reads what CPU 0 did.
void draws(Explorer& m, Words& w) {
  m.store(w.shared[m.cpu()], 1, relaxed);
  w.registers[m.cpu()] = 10 * m.fetch_add(w.shared[0], 1, relaxed) + m.load(w.shared[4], acquire);
}

TEST(Explore, CpusThatAreAlikeAreCountedOnce) {
  const Body looks_at_nobody = [](Explorer& m, Words& w) {
    m.store(w.shared[4], 1, release);
    m.fetch_add(w.shared[0], 4, relaxed);
  };
  for (const Memory memory : {Memory::sc, Memory::tso, Memory::rc11})
    for (const unsigned others : {2u, 3u})
      for (const std::uint64_t remember_after : {std::uint64_t{0}, UINT64_MAX}) {
        const auto all = explore_alike(looks_at_nobody, draws, others, memory, false, remember_after);
        const auto once = explore_alike(looks_at_nobody, draws, others, memory, true, remember_after);
        EXPECT_EQ(once.outcomes, all.outcomes);
        EXPECT_LT(once.executions, all.executions);
      }
}

// Somebody goes from one to the next by number and stops at the first that he finds: that CPU 2 has begun and CPU 1 has
// not is another thing then than the other way round.
TEST(Explore, CpusThatSomebodyTellsApartAreNotAlike) {
  const Body looks_in_order = [](Explorer& m, Words& w) {
    m.store(w.shared[4], 1, release);
    if (m.load(w.shared[1], relaxed) == 0 && m.load(w.shared[2], relaxed) != 0) w.registers[0] = 1;
  };
  const auto found = [](const Words& w) { return w.registers[0] == 1; };
  for (const Memory memory : {Memory::sc, Memory::tso, Memory::rc11}) {
    const auto all = explore_alike(looks_in_order, draws, 2, memory, false, UINT64_MAX);
    const auto asked = explore_alike(looks_in_order, draws, 2, memory, true, UINT64_MAX);
    EXPECT_EQ(asked.outcomes, all.outcomes);
    EXPECT_EQ(asked.executions, all.executions);
    EXPECT_EQ(explore_alike(looks_in_order, draws, 2, memory, true, UINT64_MAX, found).ending,
              Ending::violated);
  }
}

// An interrupt is as good as a look.
TEST(Explore, CpusThatSomebodyInterruptsAreNotAlike) {
  const Body interrupts = [](Explorer& m, Words& w) {
    m.call_many(
        test::only_cpu(1),
        [](Explorer& self, void* words) { self.store(static_cast<Words*>(words)->shared[4], 1, relaxed); },
        &w);
  };
  for (const Memory memory : {Memory::tso, Memory::rc11}) {
    const auto all = explore_alike(interrupts, draws, 2, memory, false, UINT64_MAX);
    const auto asked = explore_alike(interrupts, draws, 2, memory, true, UINT64_MAX);
    EXPECT_EQ(asked.outcomes, all.outcomes);
    EXPECT_EQ(asked.executions, all.executions);
  }
}

TEST(Explore, PrivateWorkIsNoChoice) {
  const auto counts_alone = [](unsigned word) {
    return Body([word](Explorer& m, Words& w) {
      for (unsigned i = 0; i < 100; ++i) m.fetch_add(w.shared[word], 1, relaxed);
    });
  };
  const auto explored = explore_all({counts_alone(0), counts_alone(1)}, Memory::tso);
  EXPECT_EQ(explored.result.ending, Ending::exhausted);
  EXPECT_EQ(explored.result.executions, 1u);
}

}  // namespace
}  // namespace mmscale::machine::explorer
#endif
