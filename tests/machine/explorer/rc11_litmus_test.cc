// SPDX-License-Identifier: MIT
//
// The litmus tests of the literature under --memory rc11, with the orders that decide them: Alglave, Maranget,
// Tautschnig, "Herding Cats" (TOPLAS 2014) for the names and shapes; Lahav et al. (PLDI 2017) for what RC11 says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "rc11_program.h"

#if !defined(__SANITIZE_THREAD__)
namespace mmscale::machine::explorer {
namespace {

using namespace test;
using enum std::memory_order;

// Whether an execution ends with these values read, and these in memory if given.
struct Litmus {
  std::string name;
  Threads threads;
  unsigned locations;
  Outcome reads;
  Outcome memory;
  bool allowed;
};

constexpr auto kSc = seq_cst;
const Instruction kMb = F(seq_cst);

std::vector<Litmus> litmus_tests() {
  std::vector<Litmus> all;
  const auto add = [&](std::string name, Threads threads, unsigned locations, Outcome reads, Outcome memory,
                       bool allowed) {
    all.push_back(
        {std::move(name), std::move(threads), locations, std::move(reads), std::move(memory), allowed});
  };
  // Store buffering: only SC on both sides forbids it.
  add("SB", {{W(0, 1), R(1)}, {W(1, 1), R(0)}}, 2, {0, 0}, {}, true);
  add("SB+rel+acq", {{W(0, 1, release), R(1, acquire)}, {W(1, 1, release), R(0, acquire)}}, 2, {0, 0}, {},
      true);
  add("SB+mb+po", {{W(0, 1), kMb, R(1)}, {W(1, 1), R(0)}}, 2, {0, 0}, {}, true);
  add("SB+mb+acq_rel", {{W(0, 1), kMb, R(1)}, {W(1, 1), F(acq_rel), R(0)}}, 2, {0, 0}, {}, true);
  add("SB+mbs", {{W(0, 1), kMb, R(1)}, {W(1, 1), kMb, R(0)}}, 2, {0, 0}, {}, false);
  add("SB+sc", {{W(0, 1, kSc), R(1, kSc)}, {W(1, 1, kSc), R(0, kSc)}}, 2, {0, 0}, {}, false);
  add("SB+sc+mb", {{W(0, 1, kSc), R(1, kSc)}, {W(1, 1), kMb, R(0)}}, 2, {0, 0}, {}, false);
  add("SB+sc+relaxed_read", {{W(0, 1, kSc), R(1)}, {W(1, 1, kSc), R(0, kSc)}}, 2, {0, 0}, {}, true);
  add("SB+rmw_to_a_third", {{W(0, 1), U(2, 1, acq_rel), R(1)}, {W(1, 1), U(2, 1, acq_rel), R(0)}}, 3,
      {0, 0, 1, 0}, {}, false);
  // Message passing: a release and an acquire, of accesses or fences.
  for (const auto store : {relaxed, release, kSc})
    for (const auto load : {relaxed, acquire, kSc})
      add("MP", {{W(0, 1), W(1, 1, store)}, {R(1, load), R(0)}}, 2, {1, 0}, {},
          store == relaxed || load == relaxed);
  for (const auto first : {relaxed, release, acquire, acq_rel, kSc})
    for (const auto second : {relaxed, release, acquire, acq_rel, kSc}) {
      Threads mp = {{W(0, 1), W(1, 1)}, {R(1), R(0)}};
      if (first != relaxed) mp[0].insert(mp[0].begin() + 1, F(first));
      if (second != relaxed) mp[1].insert(mp[1].begin() + 1, F(second));
      const bool ordered = first != relaxed && first != acquire && second != relaxed && second != release;
      add("MP+fences", mp, 2, {1, 0}, {}, !ordered);
    }
  add("MP+rel+acq_fence", {{W(0, 1), W(1, 1, release)}, {R(1), F(acquire), R(0)}}, 2, {1, 0}, {}, false);
  add("MP+rel_fence+acq", {{W(0, 1), F(release), W(1, 1)}, {R(1, acquire), R(0)}}, 2, {1, 0}, {}, false);
  // A fence orders what comes behind it, and no store before it.
  add("MP+rel_fence_too_late", {{W(0, 1), W(1, 1), F(release)}, {R(1, acquire), R(0)}}, 2, {1, 0}, {}, true);
  add("MP+acq_fence_too_early", {{W(0, 1), W(1, 1, release)}, {F(acquire), R(1), R(0)}}, 2, {1, 0}, {}, true);
  // Load buffering is what this model leaves out.
  add("LB", {{R(0), W(1, 1)}, {R(1), W(0, 1)}}, 2, {1, 1}, {}, false);
  // Independent readers disagree unless SC is between their loads.
  for (const auto order : {relaxed, acquire, kSc})
    for (const auto stored : {relaxed, release, kSc})
      add("IRIW",
          {{W(0, 1, stored)}, {W(1, 1, stored)}, {R(0, order), R(1, order)}, {R(1, order), R(0, order)}}, 2,
          {1, 0, 1, 0}, {}, order != kSc || stored != kSc);
  add("IRIW+mbs", {{W(0, 1)}, {W(1, 1)}, {R(0), kMb, R(1)}, {R(1), kMb, R(0)}}, 2, {1, 0, 1, 0}, {}, false);
  add("IRIW+mb+acq", {{W(0, 1)}, {W(1, 1)}, {R(0), kMb, R(1)}, {R(1, acquire), R(0)}}, 2, {1, 0, 1, 0}, {},
      true);
  // Write to read causality, and read to write.
  add("WRC", {{W(0, 1)}, {R(0), W(1, 1)}, {R(1), R(0)}}, 2, {1, 1, 0}, {}, true);
  add("WRC+rel+acq", {{W(0, 1)}, {R(0), W(1, 1, release)}, {R(1, acquire), R(0)}}, 2, {1, 1, 0}, {}, false);
  add("WRC+po+acq", {{W(0, 1)}, {R(0), W(1, 1)}, {R(1, acquire), R(0)}}, 2, {1, 1, 0}, {}, true);
  add("WRC+rel+po", {{W(0, 1)}, {R(0), W(1, 1, release)}, {R(1), R(0)}}, 2, {1, 1, 0}, {}, true);
  add("RWC", {{W(0, 1)}, {R(0), R(1)}, {W(1, 1), R(0)}}, 2, {1, 0, 0}, {}, true);
  add("RWC+acq+mb", {{W(0, 1)}, {R(0, acquire), R(1)}, {W(1, 1), kMb, R(0)}}, 2, {1, 0, 0}, {}, true);
  add("RWC+mbs", {{W(0, 1)}, {R(0), kMb, R(1)}, {W(1, 1), kMb, R(0)}}, 2, {1, 0, 0}, {}, false);
  // One global view of SC fences would forbid this; RC11 and POWER do not.
  add("W+mb_chain_relaxed", {{W(2, 1), kMb, W(0, 1)}, {R(0), W(1, 1)}, {R(1), kMb, R(2)}}, 3, {1, 1, 0}, {},
      true);
  add("W+mb_chain_release", {{W(2, 1), kMb, W(0, 1)}, {R(0, acquire), W(1, 1, release)}, {R(1), kMb, R(2)}},
      3, {1, 1, 0}, {}, false);
  add("ISA2", {{W(0, 1), W(1, 1, release)}, {R(1, acquire), W(2, 1, release)}, {R(2, acquire), R(0)}}, 3,
      {1, 1, 0}, {}, false);
  add("ISA2+po", {{W(0, 1), W(1, 1, release)}, {R(1), W(2, 1, release)}, {R(2, acquire), R(0)}}, 3, {1, 1, 0},
      {}, true);
  // Two stores each, in opposite modification orders: SC forbids it, release does not.
  for (const auto order : {relaxed, release, kSc})
    add("2+2W", {{W(0, 1, order), W(1, 2, order)}, {W(1, 1, order), W(0, 2, order)}}, 2, {}, {1, 1},
        order != kSc);
  add("2+2W+mbs", {{W(0, 1), kMb, W(1, 2)}, {W(1, 1), kMb, W(0, 2)}}, 2, {}, {1, 1}, false);
  add("R", {{W(0, 1), W(1, 1)}, {W(1, 2), R(0)}}, 2, {0}, {1, 2}, true);
  add("R+rel+sc", {{W(0, 1), W(1, 1, release)}, {W(1, 2, kSc), R(0, kSc)}}, 2, {0}, {1, 2}, true);
  add("R+mbs", {{W(0, 1), kMb, W(1, 1)}, {W(1, 2), kMb, R(0)}}, 2, {0}, {1, 2}, false);
  add("S", {{W(0, 2), W(1, 1)}, {R(1), W(0, 1)}}, 2, {1}, {2, 1}, true);
  add("S+rel+acq", {{W(0, 2), W(1, 1, release)}, {R(1, acquire), W(0, 1)}}, 2, {1}, {2, 1}, false);
  add("S+rel+po", {{W(0, 2), W(1, 1, release)}, {R(1), W(0, 1)}}, 2, {1}, {2, 1}, true);
  // One location is always coherent.
  add("CoRR", {{W(0, 1)}, {R(0), R(0)}}, 1, {1, 0}, {}, false);
  add("CoRR2", {{W(0, 1)}, {W(0, 2)}, {R(0), R(0)}, {R(0), R(0)}}, 1, {1, 2, 2, 1}, {}, false);
  add("CoWW", {{W(0, 1), W(0, 2)}}, 1, {}, {1}, false);
  add("CoWR", {{W(0, 1), R(0)}, {W(0, 2)}}, 1, {2}, {1}, false);
  add("CoRW", {{R(0), W(0, 1)}, {W(0, 2)}}, 1, {2}, {2}, false);
  // A release sequence: C++20's goes on through read-modify-writes, and no longer through the same thread's stores.
  add("RS+rmw", {{W(0, 1), W(1, 1, release)}, {U(1, 1)}, {R(1, acquire), R(0)}}, 2, {1, 2, 0}, {}, false);
  add("RS+two_rmws", {{W(0, 1), W(1, 1, release)}, {U(1, 1), U(1, 1)}, {R(1, acquire), R(0)}}, 2,
      {1, 2, 3, 0}, {}, false);
  add("RS+own_store", {{W(0, 1), W(1, 1, release), W(1, 2)}, {R(1, acquire), R(0)}}, 2, {2, 0}, {}, true);
  add("RS+others_store", {{W(0, 1), W(1, 1, release)}, {R(1), W(1, 2)}, {R(1, acquire), R(0)}}, 2, {1, 2, 0},
      {}, true);
  add("RS+fence", {{W(0, 1), F(release), W(1, 1)}, {U(1, 1)}, {R(1, acquire), R(0)}}, 2, {1, 2, 0}, {},
      false);
  // Read-modify-writes: none in between, and no update is lost.
  add("RMW+lost", {{U(0, 1)}, {U(0, 1)}}, 1, {0, 0}, {}, false);
  add("RMW+chain", {{U(0, 1)}, {U(0, 1)}, {U(0, 1)}}, 1, {0, 1, 2}, {3}, true);
  add("RMW+between", {{U(0, 1)}, {W(0, 16)}}, 1, {0}, {1}, false);
  // SC accesses mixed with weaker ones, where RC11 departs from C11 (PLDI 2017, figures 1 and 2), and what is left of SC.
  add("Z6.U", {{W(0, 1, kSc), W(1, 1, release)}, {U(1, 1, kSc), R(1)}, {W(1, 8, kSc), R(0, kSc)}}, 2,
      {1, 8, 0}, {}, true);
  add("Z6.U+sc", {{W(0, 1, kSc), W(1, 1, kSc)}, {U(1, 1, kSc), R(1)}, {W(1, 8, kSc), R(0, kSc)}}, 2,
      {1, 8, 0}, {}, false);
  add("IRIW-acq-sc", {{W(0, 1, kSc)}, {W(1, 1, kSc)}, {R(0, acquire), R(1, kSc)}, {R(1, acquire), R(0, kSc)}},
      2, {1, 0, 1, 0}, {}, true);
  add("RWC+acq+sc", {{W(0, 1, kSc)}, {R(0, acquire), R(1, kSc)}, {W(1, 1, kSc), R(0, kSc)}}, 2, {1, 0, 0}, {},
      true);
  add("RWC+sc", {{W(0, 1, kSc)}, {R(0, kSc), R(1, kSc)}, {W(1, 1, kSc), R(0, kSc)}}, 2, {1, 0, 0}, {}, false);
  add("R+sc", {{W(0, 1, kSc), W(1, 1, kSc)}, {W(1, 2, kSc), R(0, kSc)}}, 2, {0}, {1, 2}, false);
  add("R+sc+relaxed_store", {{W(0, 1), W(1, 1, kSc)}, {W(1, 2, kSc), R(0, kSc)}}, 2, {0}, {1, 2}, true);
  add("MP+sc_flag_relaxed_read", {{W(0, 1), W(1, 1, kSc)}, {R(1), F(acquire), R(0)}}, 2, {1, 0}, {}, false);
  // A read-modify-write that is SC is no fence for the relaxed accesses around it.
  add("SB+sc_rmw", {{U(0, 1, kSc), R(1)}, {U(1, 1, kSc), R(0)}}, 2, {0, 0, 0, 0}, {}, true);
  add("SB+sc_rmw+sc_read", {{U(0, 1, kSc), R(1, kSc)}, {U(1, 1, kSc), R(0, kSc)}}, 2, {0, 0, 0, 0}, {},
      false);
  add("SB+sc_rmw_of_a_third", {{W(0, 1), U(2, 1, kSc), R(1)}, {W(1, 1), U(3, 1, kSc), R(0)}}, 4, {0, 0, 0, 0},
      {}, true);
  add("SB+release_rmw_chain", {{W(0, 1), U(2, 1, release), R(1)}, {W(1, 1), U(2, 1, acquire), R(0)}}, 3,
      {0, 0, 1, 0}, {}, false);
  // Three threads in a ring, and longer chains of causality.
  add("3.SB+mbs", {{W(0, 1), kMb, R(1)}, {W(1, 1), kMb, R(2)}, {W(2, 1), kMb, R(0)}}, 3, {0, 0, 0}, {},
      false);
  add("3.SB+mbs+po", {{W(0, 1), kMb, R(1)}, {W(1, 1), kMb, R(2)}, {W(2, 1), R(0)}}, 3, {0, 0, 0}, {}, true);
  add("3.2W+mbs", {{W(0, 2), kMb, W(1, 1)}, {W(1, 2), kMb, W(2, 1)}, {W(2, 2), kMb, W(0, 1)}}, 3, {},
      {2, 2, 2}, false);
  add("3.2W+rel", {{W(0, 2), W(1, 1, release)}, {W(1, 2), W(2, 1, release)}, {W(2, 2), W(0, 1, release)}}, 3,
      {}, {2, 2, 2}, true);
  add("W+RWC+mbs", {{W(0, 1), W(1, 1, release)}, {R(1, acquire), kMb, R(2)}, {W(2, 1), kMb, R(0)}}, 3,
      {1, 0, 0}, {}, false);
  add("W+RWC+po", {{W(0, 1), W(1, 1)}, {R(1, acquire), kMb, R(2)}, {W(2, 1), kMb, R(0)}}, 3, {1, 0, 0}, {},
      true);
  add("Z6.3+mbs", {{W(0, 1), kMb, W(1, 1)}, {W(1, 2), kMb, W(2, 1)}, {R(2), kMb, R(0)}}, 3, {1, 0}, {1, 2, 1},
      false);
  add("Z6.3+rel+acq", {{W(0, 1), W(1, 1, release)}, {W(1, 2), W(2, 1, release)}, {R(2, acquire), R(0)}}, 3,
      {1, 0}, {1, 2, 1}, true);
  add("WRC+two_hops",
      {{W(0, 1)}, {R(0), W(1, 1, release)}, {R(1, acquire), W(2, 1, release)}, {R(2, acquire), R(0)}}, 3,
      {1, 1, 1, 0}, {}, false);
  add("WRC+acq_rel_rmw", {{W(0, 1), U(1, 1, release)}, {U(1, 1, acquire), W(2, 1)}, {R(2), R(0)}}, 3,
      {0, 1, 1, 0}, {}, true);
  add("LB+mbs", {{R(0), kMb, W(1, 1)}, {R(1), kMb, W(0, 1)}}, 2, {1, 1}, {}, false);
  add("IRIW+acq_rel_fences", {{W(0, 1)}, {W(1, 1)}, {R(0), F(acq_rel), R(1)}, {R(1), F(acq_rel), R(0)}}, 2,
      {1, 0, 1, 0}, {}, true);
  add("IRIW+one_sc_fence_behind_all", {{W(0, 1), kMb}, {W(1, 1), kMb}, {R(0), R(1)}, {R(1), R(0)}}, 2,
      {1, 0, 1, 0}, {}, true);
  add("SB+mb_behind_the_read", {{W(0, 1), R(1), kMb}, {W(1, 1), kMb, R(0)}}, 2, {0, 0}, {}, true);
  // Counters that CPUs pass on: a chain of read-modify-writes carries what its head released, however long, a store
  // breaks it, and an acquire behind a fence is as good.
  add("RS+chain_of_three_cpus", {{W(0, 1), U(1, 1, release)}, {U(1, 1)}, {U(1, 1)}, {R(1, acquire), R(0)}}, 2,
      {0, 1, 2, 3, 0}, {}, false);
  add("RS+chain_head_relaxed", {{W(0, 1), U(1, 1)}, {U(1, 1, release)}, {R(1, acquire), R(0)}}, 2,
      {0, 1, 2, 0}, {}, true);
  add("RS+chain_broken_by_a_store", {{W(0, 1), U(1, 1, release)}, {R(1), W(1, 8)}, {U(1, 1, acquire), R(0)}},
      2, {0, 1, 8, 0}, {}, true);
  add("RS+two_heads", {{W(0, 1), U(2, 1, release)}, {W(1, 1), U(2, 1, release)}, {R(2, acquire), R(0), R(1)}},
      3, {0, 1, 2, 0, 1}, {}, false);
  add("RS+chain_then_acquire_fence", {{W(0, 1), F(release), U(1, 1)}, {U(1, 1)}, {R(1), F(acquire), R(0)}}, 2,
      {0, 1, 2, 0}, {}, false);
  add("RS+own_release_store", {{W(0, 1), W(1, 1, release), W(2, 1), W(1, 2, release)}, {R(1, acquire), R(2)}},
      3, {2, 0}, {}, false);
  // Coherence with read-modify-writes and orders mixed in.
  add("CoRR+acq_rel", {{W(0, 1, release)}, {W(0, 2, release)}, {R(0, acquire), R(0)}, {R(0, kSc), R(0)}}, 1,
      {1, 2, 2, 1}, {}, false);
  add("CoRR+rmw", {{U(0, 1)}, {R(0), U(0, 2)}}, 1, {0, 1, 0}, {}, false);
  add("CoWR+rmw", {{W(0, 1), U(0, 2)}, {W(0, 8)}}, 1, {8}, {1}, false);
  add("RMW+store_in_the_middle", {{U(0, 1), R(0)}, {W(0, 16), R(0)}}, 1, {0, 16, 1}, {}, false);
  return all;
}

class Rc11Litmus : public ::testing::TestWithParam<std::size_t> {};

TEST_P(Rc11Litmus, DecidesAsTheLiterature) {
  const Litmus test = litmus_tests()[GetParam()];
  const std::set<Outcome> found = explored(test.threads, test.locations);
  const auto is_it = [&](const Outcome& one) {
    return std::equal(test.reads.begin(), test.reads.end(), one.begin()) &&
           (test.memory.empty() || std::equal(test.memory.begin(), test.memory.end(),
                                              one.begin() + static_cast<std::ptrdiff_t>(test.reads.size())));
  };
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(std::any_of(found.begin(), found.end(), is_it), test.allowed);
  EXPECT_EQ(explored(test.threads, test.locations, {.reduce = false}), found);
  EXPECT_EQ(explored(test.threads, test.locations, {.remember_after = 0}), found);
  EXPECT_EQ(Axioms(test.threads, test.locations).outcomes(), found);
}

INSTANTIATE_TEST_SUITE_P(Explorer, Rc11Litmus, ::testing::Range(std::size_t{0}, litmus_tests().size()),
                         [](const auto& one) {
                           std::string name =
                               litmus_tests()[one.param].name + "_" + std::to_string(one.param);
                           std::replace_if(
                               name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); },
                               '_');
                           return name;
                         });

// The tests are no better than what they find: each fault put into the model shows up in one of them.
class Rc11Fault : public ::testing::TestWithParam<Rc11::Fault> {};

TEST_P(Rc11Fault, IsFoundByALitmusTest) {
  const std::vector<Litmus> tests = litmus_tests();
  EXPECT_TRUE(std::any_of(tests.begin(), tests.end(), [](const Litmus& one) {
    return explored(one.threads, one.locations, {.fault = GetParam()}) !=
           explored(one.threads, one.locations);
  }));
}

INSTANTIATE_TEST_SUITE_P(
    Explorer, Rc11Fault,
    ::testing::Values(Rc11::Fault::acquire_joins_nothing, Rc11::Fault::acquire_fence_forgotten,
                      Rc11::Fault::release_fence_forgotten, Rc11::Fault::release_sequence_cut,
                      Rc11::Fault::own_view_ignored, Rc11::Fault::sc_fences_unordered,
                      Rc11::Fault::sc_accesses_unordered, Rc11::Fault::message_taken_twice));

// What an IPI carries: the handler knows what the sender knew, and the sender what the handler did.
void reads_and_writes(Explorer& m, void* words) {
  Words& w = *static_cast<Words*>(words);
  w.registers[0] = m.load(w.shared[0], relaxed);
  m.store(w.shared[1], 1, relaxed);
}

TEST(Rc11, AnIpiIsAReleaseAndItsAckAnother) {
  const Body sends = [](Explorer& m, Words& w) {
    m.store(w.shared[0], 1, relaxed);
    m.call_many(only_cpu(1), reads_and_writes, &w);
    w.registers[1] = m.load(w.shared[1], relaxed);
  };
  const Body idles = [](Explorer& m, Words& w) { m.store(w.shared[2], 1, relaxed); };
  for (const bool reduce : {true, false}) {
    const Explored found = explore_all({sends, idles}, Memory::rc11, reduce);
    EXPECT_EQ(found.result.ending, Ending::exhausted);
    EXPECT_EQ(found.registers(2), (std::set<SmallProgram::State>{{1, 1}}));
  }
  // Seen by the test: without it both read old values.
  SmallProgram program({sends, idles});
  Limits limits;
  limits.fault = Rc11::Fault::ipi_carries_nothing;
  std::set<std::uint64_t> seen;
  explore(program, Memory::rc11, limits, [&] { seen.insert(program.final_state()[0]); });
  EXPECT_TRUE(seen.contains(0));
}

// A wait ends with the value that it waited for and acquires; a value that is gone again may still end it.
TEST(Rc11, AWaitAcquiresWhatEndedIt) {
  for (const auto order : {relaxed, release}) {
    const Body sets = [order](Explorer& m, Words& w) {
      m.store(w.shared[1], 1, relaxed);
      m.store(w.shared[0], 1, order);
      m.store(w.shared[0], 2, relaxed);
    };
    const Body waits = [](Explorer& m, Words& w) {
      m.spin_until(w.shared[0], [](std::uint64_t value) { return value == 1; });
      w.registers[0] = m.load(w.shared[1], relaxed);
    };
    const Explored found = explore_all({sets, waits}, Memory::rc11);
    EXPECT_EQ(found.result.ending, Ending::exhausted);
    EXPECT_EQ(found.registers(1).contains({0}), order == relaxed);
    EXPECT_TRUE(found.registers(1).contains({1}));
  }
}

TEST(Rc11, ALockIsALock) {
  const Body locked = [](Explorer& m, Words& w) {
    while (m.exchange(w.shared[0], 1, acquire) != 0)
      m.spin_until(w.shared[0], [](std::uint64_t taken) { return taken == 0; });
    m.store(w.shared[1], m.load(w.shared[1], relaxed) + 1, relaxed);
    m.store(w.shared[0], 0, release);
  };
  for (const std::uint64_t remember_after : {std::uint64_t{0}, UINT64_MAX}) {
    const Explored found = explore_all({locked, locked, locked}, Memory::rc11, true, remember_after);
    EXPECT_EQ(found.result.ending, Ending::exhausted);
    for (const auto& state : found.states) EXPECT_EQ(state[5], 3u);
  }
}

TEST(Rc11, AScheduleSaysWhatWasReadAndReplays) {
  // Message passing without any order: the flag is seen and the data is not.
  SmallProgram program({[](Explorer& m, Words& w) {
                          m.store(w.shared[0], 1, relaxed);
                          m.store(w.shared[1], 1, relaxed);
                        },
                        [](Explorer& m, Words& w) {
                          w.registers[0] = m.load(w.shared[1], relaxed);
                          w.registers[1] = 2 + m.load(w.shared[0], relaxed);
                        }});
  program.bad = [](const Words& w) { return w.registers[0] == 1 && w.registers[1] == 2; };
  for (const bool reduce : {true, false}) {
    Limits limits;
    limits.reduce = reduce;
    const Result found = explore(program, Memory::rc11, limits);
    ASSERT_EQ(found.ending, Ending::violated);
    EXPECT_EQ(to_string(found.schedule), "rc11:0*2,1,1-1");
    EXPECT_EQ(replay(program, parse_schedule(to_string(found.schedule))).ending, Ending::violated);
  }
  EXPECT_THROW(replay(program, parse_schedule("rc11:0*2,1-2")), std::invalid_argument);
}

}  // namespace
}  // namespace mmscale::machine::explorer
#endif
