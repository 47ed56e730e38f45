// SPDX-License-Identifier: MIT
#include "machine/simulator/simulator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "machine/simulator/model_file.h"

namespace mmscale::machine::simulator {
namespace {

using enum std::memory_order;
using Machine = Simulator<false>;

struct alignas(kApart) Word {
  std::uint64_t value = 0;
};

// A machine whose every parameter is a number one can recognise in a sum.
Model machine_of(Protocol protocol = Protocol::home, Atomics atomics = Atomics::near) {
  Model model;
  model.name = "test";
  model.protocol = protocol;
  model.atomics = atomics;
  model.leg = {1'000, 10'000, 30'000, 50'000, 90'000};
  model.ipi_delivery.fill(300'000);
  model.costs = {.load = 100,
                 .store = 200,
                 .atomic = 5'000,
                 .fence = 17'000,
                 .fence_after_rmw = 700,
                 .memory = 80'000,
                 .handoff = 20'000,
                 .port = 1'000,
                 .failed_try = 2'000,
                 .ipi_send = 200'000,
                 .ipi_handle = 500'000,
                 .tick = 400};
  // Two packages of eight single-threaded cores.
  for (std::uint32_t cpu = 0; cpu < 16; ++cpu) model.places.push_back({cpu, cpu / 8, cpu / 8, 0});
  return model;
}

// Runs body(machine) on `cpus` CPUs, which are the first of the model's; the time each ended at.
class Trial {
 public:
  Trial(const Model& model, unsigned cpus, const std::function<void(Machine&)>& body,
        Scheduling scheduling = Scheduling::run_on)
      : world_(model, {model.places.begin(), model.places.begin() + cpus}, 0, {}, scheduling),
        system_(world_) {
    for (unsigned cpu = 0; cpu < cpus; ++cpu) machines_.push_back(std::make_unique<Machine>(system_, cpu));
    world_.run([&](unsigned cpu) { body(*machines_[cpu]); });
    for (unsigned cpu = 0; cpu < cpus; ++cpu) ends.push_back(world_.now(cpu));
  }
  const Statistics& statistics() const { return world_.statistics(); }

  std::vector<Picoseconds> ends;

 private:
  World world_;
  Machine::System system_;
  std::vector<std::unique_ptr<Machine>> machines_;
};

TEST(Simulator, OneCpuAndNothingSharedCostsTheSumOfTheConstants) {
  const Model model = machine_of();
  Word word;
  const Trial run(model, 1, [&](Machine& m) {
    m.load(word.value, relaxed);
    for (int i = 0; i < 3; ++i) m.load(word.value, relaxed);
    for (int i = 0; i < 5; ++i) m.store(word.value, 1, relaxed);
    for (int i = 0; i < 7; ++i) m.fetch_add(word.value, 1, relaxed);
    m.fence();
    m.fence_after_rmw();
    m.think(11);
    m.stall(13);
  });
  // The first load fetches the line from memory: to its home and back.
  const Picoseconds first = 10'000 + 80'000 + 10'000;
  EXPECT_EQ(run.ends[0], first + 4 * 100 + 5 * 200 + 7 * 5'000 + 17'000 + 700 + (11 + 13) * 400);
  EXPECT_EQ(word.value, 8u);
}

TEST(Simulator, AddingACpuThatTouchesNoSharedLineChangesNothing) {
  const Model model = machine_of();
  std::array<Word, 16> words;
  const auto body = [&](Machine& m) {
    for (int i = 0; i < 100; ++i) {
      m.fetch_add(words[m.cpu()].value, 1, relaxed);
      m.fence();
    }
  };
  const Trial alone(model, 1, body);
  const Trial together(model, 16, body);
  for (const Picoseconds end : together.ends) EXPECT_EQ(end, alone.ends[0]);
}

// CPU 0 has written `word`, and 400 us later CPU `cpu` does `body`, all others idle: how long that takes.
Picoseconds with_an_idle_owner(const Model& model, unsigned cpu, Word& word,
                               const std::function<void(Machine&)>& body) {
  const Trial run(model, cpu + 1, [&](Machine& m) {
    if (m.cpu() == 0) m.store(word.value, 1, relaxed);
    if (m.cpu() != cpu) return;
    m.stall(1'000'000);
    body(m);
  });
  return run.ends[cpu] - 400'000'000;
}

Picoseconds increment_with_an_idle_owner(const Model& model, unsigned cpu) {
  Word word;
  return with_an_idle_owner(model, cpu, word, [&](Machine& m) { m.fetch_add(word.value, 1, relaxed); });
}

TEST(Simulator, AnIdleOwnersLineCostsItsLegsAndTheOperation) {
  // To the agent, to the owner, back and on. From another package: to the home, which is the owner's, and
  // back.
  for (const auto& [cpu, legs] : {std::pair{1u, 4 * 10'000u}, {8u, 4 * 10'000u + 2 * 50'000}})
    EXPECT_EQ(increment_with_an_idle_owner(machine_of(), cpu), legs + 5'000) << cpu;
}

TEST(Simulator, OnlyAReadNearByTakesLongerFromACoreThatModifiedTheLine) {
  Model model = machine_of();
  model.costs.modified_read = 13'000;
  Word word;
  const auto read = [&](Machine& m) { m.load(word.value, relaxed); };
  EXPECT_EQ(with_an_idle_owner(model, 1, word, read), 4 * 10'000u + 13'000 + 100);
  EXPECT_EQ(with_an_idle_owner(model, 8, word, read), 4 * 10'000u + 2 * 50'000 + 100);
  EXPECT_EQ(increment_with_an_idle_owner(model, 1), 4 * 10'000u + 5'000);
}

TEST(Simulator, SnoopingTakesTwoLegs) {
  EXPECT_EQ(increment_with_an_idle_owner(machine_of(Protocol::snoop), 8), 2 * 50'000u + 5'000);
}

TEST(Simulator, FalseSharingFollowsTheLayout) {
  struct alignas(kApart) Packed {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
  } packed;
  std::array<Word, 2> apart;
  const auto time_of = [&](std::uint64_t& a, std::uint64_t& b) {
    return Trial(machine_of(), 2,
                 [&](Machine& m) {
                   for (int i = 0; i < 1000; ++i) m.fetch_add(m.cpu() == 0 ? a : b, 1, relaxed);
                 })
        .ends[0];
  };
  const Picoseconds shared = time_of(packed.a, packed.b);
  const Picoseconds separate = time_of(apart[0].value, apart[1].value);
  EXPECT_EQ(separate, 100'000u + 1000 * 5'000);
  EXPECT_GT(shared, 2 * separate);
}

// Every CPU hammers one line, some fence, some read, some wait for it.
std::function<void(Machine&)> mixture(Word& word, Word& arrivals) {
  return [&](Machine& m) {
    for (unsigned i = 0; i < 200; ++i) {
      m.fetch_add(word.value, 1, seq_cst);
      if (i % (m.cpu() + 2) == 0) m.load(word.value, acquire);
      if (i % 7 == m.cpu() % 7) m.store(word.value, m.load(word.value, relaxed), relaxed);
      if (i % 5 == 0) m.think(i);
    }
    const std::uint64_t all = m.cpus();
    m.fetch_add(arrivals.value, 1, acq_rel);
    m.spin_until(arrivals.value, [all](std::uint64_t n) { return n >= all; });
  };
}

TEST(Simulator, RunningOnAndQueueingAgreeToTheBit) {
  for (const Protocol protocol : {Protocol::home, Protocol::snoop})
    for (const Atomics atomics : {Atomics::near, Atomics::ll_sc})
      for (const Arbitration arbitration : {Arbitration::fifo, Arbitration::near, Arbitration::random}) {
        Model model = machine_of(protocol, atomics);
        model.arbitration = arbitration;
        std::array<Word, 4> words;
        const Trial on(model, 16, mixture(words[0], words[1]), Scheduling::run_on);
        const Trial queue(model, 16, mixture(words[2], words[3]), Scheduling::always_queue);
        EXPECT_EQ(on.ends, queue.ends);
        EXPECT_EQ(words[0].value, words[2].value);
        EXPECT_EQ(on.statistics().accesses, queue.statistics().accesses);
      }
}

TEST(Simulator, NoIncrementIsLost) {
  for (const Protocol protocol : {Protocol::home, Protocol::snoop})
    for (const Atomics atomics : {Atomics::near, Atomics::ll_sc}) {
      Word word;
      const Trial run(machine_of(protocol, atomics), 16, [&](Machine& m) {
        for (int i = 0; i < 500; ++i) m.fetch_add(word.value, 1, relaxed);
      });
      EXPECT_EQ(word.value, 16u * 500);
    }
}

// Time for each operation of `cpus` CPUs that all want one line.
double contended(const Model& model, unsigned cpus, unsigned operations) {
  Word word;
  const Trial run(model, cpus, [&](Machine& m) {
    for (unsigned i = 0; i < operations; ++i) m.fetch_add(word.value, 1, relaxed);
  });
  EXPECT_EQ(word.value, std::uint64_t{cpus} * operations);
  return static_cast<double>(*std::max_element(run.ends.begin(), run.ends.end())) / (cpus * operations);
}

TEST(Simulator, ALineThatPassesTheAgentStaysForOneOperation) {
  // Owner to agent, agent to the next, the operation there.
  EXPECT_NEAR(contended(machine_of(), 4, 1000), 25'000, 250);
  EXPECT_NEAR(contended(machine_of(), 8, 1000), 25'000, 250);
}

TEST(Simulator, WhoHasBeenWaitingGetsTheLineByTheHandoff) {
  Model model = machine_of();
  model.costs.handoff = 16'000;
  EXPECT_NEAR(contended(model, 4, 1000), 21'000, 250);
  EXPECT_NEAR(contended(model, 8, 1000), 21'000, 250);
  // One of two has to ask anew after each operation, which takes all four legs.
  EXPECT_NEAR(contended(model, 2, 1000), (40'000 + 5'000) / 2.0, 250);
}

TEST(Simulator, AnOwnerGoesOnForAVisit) {
  Model model = machine_of();
  model.costs.visit = 48'000;
  // Ten operations of 5 ns, the last one in flight when the visit is over, then the way to who has been
  // waiting, 20 ns.
  EXPECT_NEAR(contended(model, 2, 10'000), (50'000 + 20'000) / 10.0, 100);
  EXPECT_NEAR(contended(model, 8, 10'000), (50'000 + 20'000) / 10.0, 100);
  // One that has stopped for longer than an operation takes gives the line away at once.
  const auto alternating = [&model](Picoseconds pause) {
    Word word;
    return Trial(model, 2,
                 [&](Machine& m) {
                   for (int i = 0; i < 1000; ++i) {
                     m.fetch_add(word.value, 1, relaxed);
                     m.rest(pause);
                   }
                 })
        .ends[0];
  };
  const Picoseconds rests = alternating(1'000'000);
  model.costs.visit = 0;
  EXPECT_EQ(alternating(1'000'000), rests);
}

TEST(Simulator, ALineThatTheAgentHasToCallBackStaysForSeveral) {
  Model model = machine_of();
  model.handover = Handover::direct;
  // The snoop is one leg behind the data, 10 ns: operations of 5 ns begin at 0, 5 and, just in time, 10. Then
  // it travels for a leg.
  EXPECT_NEAR(contended(model, 4, 3000), (15'000 + 10'000) / 3.0, 250);
}

TEST(Simulator, WhoIsNextInADomainIsDrawnFromTheSeed) {
  const auto order = [](std::uint64_t seed) {
    Model model = machine_of();
    model.seed = seed;
    Word word;
    std::vector<unsigned> turns(8 * 100);
    const Trial run(model, 8, [&](Machine& m) {
      for (int i = 0; i < 100; ++i) turns[m.fetch_add(word.value, 1, relaxed)] = m.cpu();
    });
    return turns;
  };
  const std::vector<unsigned> turns = order(1);
  EXPECT_EQ(turns, order(1));
  EXPECT_NE(turns, order(2));
  // In the order of their requests each of the eight would come once in a round.
  EXPECT_LT(std::set<unsigned>(turns.begin() + 400, turns.begin() + 408).size(), 8u);
}

// With each CPU's expected value as old as its last turn, in their order one of eight would succeed in a round.
TEST(Simulator, WhoComparesAndSwapsSucceedsMoreThanOnceInARound) {
  Word word;
  std::uint64_t tries = 0;
  const Trial run(machine_of(), 8, [&](Machine& m) {
    for (int i = 0; i < 200; ++i)
      for (std::uint64_t seen = m.load(word.value, relaxed), expected = ~seen; seen != expected; ++tries)
        seen = m.compare_exchange(word.value, expected = seen, seen + 1);
  });
  EXPECT_EQ(word.value, 8u * 200);
  EXPECT_LT(tries, 6 * word.value);
}

TEST(Simulator, ADomainOfOneCoreKeepsALineForNobodyElse) {
  // Others have their turn before this one wants the line again.
  const auto each = [](const Model& model) {
    Word word;
    const Trial run(model, 8, [&](Machine& m) {
      for (int i = 0; i < 1000; ++i) {
        m.fetch_add(word.value, 1, relaxed);
        m.think(100);
      }
    });
    return *std::max_element(run.ends.begin(), run.ends.end()) / 8'000;
  };
  Model alone = machine_of();
  for (std::uint32_t cpu = 0; cpu < 16; ++cpu) alone.places[cpu].domain = cpu;
  // Each time the owner tells the home, and the home's next snoop finds the line with who got it meanwhile.
  EXPECT_NEAR(static_cast<double>(each(alone)), 2 * (10'000 + 30'000), 1'000);
  EXPECT_NEAR(static_cast<double>(each(machine_of())), 25'000, 5'000);
}

TEST(Simulator, AHomeLetsADomainHaveTheLineForARoundOfItsCores) {
  // A package has the line for its eight cores' turn at least, and for as many more as fit into the home's
  // round of two legs of 50 ns; then it travels for one leg more than within the package.
  const double each = contended(machine_of(), 16, 1000);
  EXPECT_GT(each, 25'000 + 50'000 / 12.0 - 250);
  EXPECT_LT(each, 25'000 + 50'000 / 8.0 + 250);
  // Who has it tells the home later, so it stays longer, and travels less.
  Model told_later = machine_of();
  told_later.requester_tells_home = true;
  EXPECT_LT(contended(told_later, 16, 1000), each);
  // A bus hands it over in the order of the requests, which is one package after the other, too, but keeps
  // nothing.
  EXPECT_NEAR(contended(machine_of(Protocol::snoop), 8, 1000), 15'000, 250);
}

TEST(Simulator, ADomainThatAnotherWaitsForHasEightTurns) {
  Model wider = machine_of();
  wider.places.clear();
  for (std::uint32_t cpu = 0; cpu < 64; ++cpu) wider.places.push_back({cpu, cpu / 32, cpu / 32, 0});
  const double eight = contended(machine_of(), 16, 1000);
  EXPECT_NEAR(contended(wider, 64, 1000), eight, 0.05 * eight);
  EXPECT_LT(contended(wider, 32, 1000), 0.9 * eight);
}

TEST(Simulator, WhoAcknowledgesAConflictKeepsTheLineMeanwhile) {
  for (const std::uint32_t threads : {1u, 2u}) {
    Model passed_on = machine_of();
    for (std::uint32_t cpu = 0; cpu < 16; ++cpu) passed_on.places[cpu].core = cpu / threads;
    Model acknowledged = passed_on;
    acknowledged.acknowledges_conflicts = true;
    // Within a package there is nothing to acknowledge.
    EXPECT_EQ(contended(acknowledged, 8, 1000), contended(passed_on, 8, 1000));
    // Between two, operations of 5 ns follow each other in the core, one of each hardware thread.
    EXPECT_LT(contended(acknowledged, 16, 1000), 0.9 * contended(passed_on, 16, 1000)) << threads;
  }
}

TEST(Simulator, SiblingsTakeTurnsAtALineTheirCoreHas) {
  Model model = machine_of();
  model.places[1].core = 0;
  EXPECT_NEAR(contended(model, 2, 1000), 6'000, 150);
}

TEST(Simulator, ACoreAsksOnceForAllItsSiblings) {
  Model threads = machine_of();
  for (std::uint32_t cpu = 0; cpu < 8; ++cpu) threads.places[cpu].core = cpu / 2;
  // Siblings do not stand one behind the other in the queue, or every other hand-off would be one between
  // them.
  EXPECT_NEAR(contended(threads, 8, 1000), 25'000, 2'500);
  // Nor does one operate while it waits for the other, and the other core asks.
  EXPECT_NEAR(contended(threads, 4, 1000), 25'000, 2'500);
}

TEST(Simulator, LineStatisticsSayWhoWaitedAndWhoKeptIt) {
  Word word;
  Model model = machine_of();
  World world(model, model.places, 0, {});
  Machine::System system(world);
  std::vector<std::unique_ptr<Machine>> machines;
  for (unsigned cpu = 0; cpu < 16; ++cpu) machines.push_back(std::make_unique<Machine>(system, cpu));
  world.run([&](unsigned cpu) {
    for (int i = 0; i < 100; ++i) machines[cpu]->fetch_add(word.value, 1, relaxed);
  });
  ASSERT_EQ(world.lines().size(), 1u);
  const LineStatistics& line = world.lines().statistics(0);
  EXPECT_EQ(line.requests, world.statistics().requests);
  EXPECT_EQ(line.waited, world.statistics().waited);
  EXPECT_EQ(line.longest, 15u);
  EXPECT_EQ(line.moved[1] + line.moved[3], 1600u - 1);
  const auto kept = world.lines().kept(0);
  // Each operation takes 5 ns; the rest of the time the line travels.
  EXPECT_NEAR(static_cast<double>(kept[0]), 800 * 5'000.0, 10'000);
  EXPECT_NEAR(static_cast<double>(kept[1]), 800 * 5'000.0, 10'000);
}

TEST(Simulator, ConditionalsFailMoreOftenTheMoreContend) {
  const auto failures = [](unsigned cpus) {
    Word word;
    const Trial run(machine_of(Protocol::home, Atomics::ll_sc), cpus, [&](Machine& m) {
      for (int i = 0; i < 200; ++i) m.fetch_add(word.value, 1, relaxed);
    });
    return static_cast<double>(run.statistics().failed_conditionals) / (200 * cpus);
  };
  EXPECT_EQ(failures(1), 0);
  EXPECT_LT(failures(2), failures(4));
  EXPECT_LT(failures(4), failures(8));
}

// CPU 0 has written a line, and 400 us later all read it: how long the last of them waits.
Picoseconds last_reader(const Model& model, unsigned cpus) {
  Word word;
  const Trial run(model, cpus, [&](Machine& m) {
    if (m.cpu() == 0) m.store(word.value, 1, relaxed);
    m.stall(1'000'000);
    m.load(word.value, relaxed);
  });
  return *std::max_element(run.ends.begin(), run.ends.end()) - 400'000'000;
}

TEST(Simulator, ReadersOfOneLineDoNotWaitForEachOther) {
  // The slowest of 15 readers is one transfer and 14 turns at the port behind, not 15 transfers.
  EXPECT_LE(last_reader(machine_of(), 16), 2 * 110'000u + 15 * 1'000);
}

TEST(Simulator, ReadersThatOnlyTheWriterAnswersDoWaitForEachOther) {
  Model model = machine_of();
  model.supplier = Supplier::owner;
  // The first of the seven takes the line from its owner, and the agent is free when it passes there. Each
  // that follows has it brought in three legs of 10 ns, and the home hears of it in another.
  EXPECT_EQ(last_reader(model, 8), 30'000u + 5 * 40'000 + 30'000 + 100);
}

TEST(Simulator, AWriteToASharedLineIsARoundByWayOfTheAgent) {
  Word word;
  const Picoseconds took = with_an_idle_owner(machine_of(), 1, word, [&](Machine& m) {
    m.load(word.value, relaxed);
    m.store(word.value, 2, relaxed);
  });
  EXPECT_EQ(took, 40'000u + 100 + 40'000 + 200);
}

// One CPU stores to a line that another has, computes for `between`, and goes on with `end`: when it is
// through.
Picoseconds after_a_missing_store(Picoseconds between, const std::function<void(Machine&)>& end) {
  Word word;
  const Picoseconds took = with_an_idle_owner(machine_of(), 1, word, [&](Machine& m) {
    m.store(word.value, 2, relaxed);
    m.compute(between);
    end(m);
  });
  EXPECT_EQ(word.value, 2u);
  return took;
}

TEST(Simulator, AFenceWaitsForTheStoreInTheBufferNotTheCpuBefore) {
  // The line takes four legs of 10 ns, the store at it 0.2; a fence costs 17.
  const auto fence = [](Machine& m) { m.fence(); };
  EXPECT_EQ(after_a_missing_store(0, fence), 40'000u + 200 + 17'000);
  EXPECT_EQ(after_a_missing_store(30'000, fence), 40'000u + 200 + 17'000);
  EXPECT_EQ(after_a_missing_store(50'000, fence), 200u + 50'000 + 17'000);
  // A read-modify-write drains the buffer, too, whatever its line.
  Word other;
  EXPECT_EQ(after_a_missing_store(0, [&](Machine& m) { m.fetch_add(other.value, 1, relaxed); }),
            40'000u + 200 + 100'000 + 5'000);
  // A load goes past the store: its own line, from memory, is all it waits for.
  EXPECT_EQ(after_a_missing_store(0, [&](Machine& m) { m.load(other.value, relaxed); }),
            200u + 100'000 + 100);
}

// Waits until that time, in ns, give or take one.
void both_at(Machine& m, std::uint64_t ns) { m.rest((ns - m.now()) * kPsPerNs); }

TEST(Simulator, ACpuReadsItsOwnStoreBeforeOthersSeeIt) {
  Word word;
  std::array<std::uint64_t, 2> seen{};
  const Trial run(machine_of(), 2, [&](Machine& m) {
    m.load(word.value, relaxed);
    both_at(m, 1'000'000);
    if (m.cpu() == 0) m.store(word.value, 1, relaxed);
    both_at(m, 1'000'004);
    seen[m.cpu()] = m.load(word.value, relaxed);
  });
  EXPECT_EQ(seen[0], 1u);
  EXPECT_EQ(seen[1], 0u);
}

// What two CPUs that begin at the same time read, each after its store, when the other's flag is at hand.
std::array<std::uint64_t, 2> store_then_load(bool fenced) {
  std::array<Word, 2> flag;
  std::array<std::uint64_t, 2> seen{};
  const Trial run(machine_of(), 2, [&](Machine& m) {
    for (Word& each : flag) m.load(each.value, relaxed);
    both_at(m, 1'000'000);
    m.store(flag[m.cpu()].value, 1, relaxed);
    if (fenced) m.fence();
    seen[m.cpu()] = m.load(flag[1 - m.cpu()].value, relaxed);
  });
  return seen;
}

TEST(Simulator, OnlyAFenceKeepsALoadBehindAStore) {
  EXPECT_EQ(store_then_load(false), (std::array<std::uint64_t, 2>{0, 0}));
  const auto [a, b] = store_then_load(true);
  EXPECT_TRUE(a == 1 || b == 1);
}

TEST(Simulator, StoresBecomeVisibleInTheirOrder) {
  Word far;
  Word flag;
  std::uint64_t seen = 0;
  const Trial run(machine_of(), 3, [&](Machine& m) {
    if (m.cpu() == 0) m.store(far.value, 1, relaxed);
    if (m.cpu() == 1) {
      // The flag's line is at hand, the other is not.
      m.store(flag.value, 0, relaxed);
      m.stall(1'000'000);
      m.store(far.value, 2, relaxed);
      m.store(flag.value, 1, release);
    }
    if (m.cpu() == 2) {
      m.spin_until(flag.value, [](std::uint64_t value) { return value == 1; });
      seen = m.load(far.value, relaxed);
    }
  });
  EXPECT_EQ(seen, 2u);
}

TEST(Simulator, SiblingsThatComputeShareTheirCore) {
  Model model = machine_of();
  model.places[1].core = 0;
  // What 100 turns of 10 ns take CPU 0, with CPUs up to `busy` at the same; who does nothing has ended.
  const auto time_with = [&](unsigned busy) {
    const Trial run(model, 3, [&](Machine& m) {
      Word mine;
      for (int i = 0; i < 100 && (m.cpu() == 0 || m.cpu() == busy); ++i) {
        m.store(mine.value, 1, relaxed);
        m.compute(10'000);
      }
    });
    return static_cast<double>(run.ends[0]);
  };
  EXPECT_NEAR(time_with(2), time_with(0), 1);
  EXPECT_NEAR(time_with(1) - time_with(0), 100 * 10'000.0, 20'000);
}

TEST(Simulator, AnInterruptReachesAThinkingCpuOnTime) {
  std::uint64_t at = 0;
  const Trial run(machine_of(), 2, [&](Machine& m) {
    if (m.cpu() == 1) {
      m.think(10'000'000);
      return;
    }
    CpuMask targets(2);
    targets.set(1);
    m.call_many(
        targets, [](Machine& target, void* p) { *static_cast<std::uint64_t*>(p) = target.now(); }, &at);
    EXPECT_EQ(m.ipi_tally().queued, 1u);
    EXPECT_EQ(m.ipi_tally().raised, 1u);
  });
  // Sent after 200 ns, 300 ns on its way, 500 ns to enter; then the queue's line has to come over.
  EXPECT_GE(at, 1000u);
  EXPECT_LT(at, 1600u);
  // Thinking ends when it would have ended without.
  EXPECT_EQ(run.ends[1], 10'000'000u * 400);
}

TEST(Simulator, InterruptsWaitForIrqEnable) {
  std::uint64_t at = 0;
  const Trial run(machine_of(), 2, [&](Machine& m) {
    if (m.cpu() == 1) {
      m.irq_disable();
      m.think(1'000'000);
      m.irq_enable();
      return;
    }
    CpuMask targets(2);
    targets.set(1);
    m.call_many(
        targets, [](Machine& target, void* p) { *static_cast<std::uint64_t*>(p) = target.now(); }, &at);
  });
  EXPECT_GE(at, 400'000u);
}

// So many CPUs wait for the second of two writes to a line: how many requests there were, when the writer ended.
std::pair<std::uint64_t, Picoseconds> polled(const Model& model, unsigned spinners) {
  Word word;
  const Trial run(model, spinners + 1, [&](Machine& m) {
    if (m.cpu() == spinners) {
      for (const std::uint64_t value : {1, 2}) {
        m.think(1'000'000);
        m.store(word.value, value, release);
        m.fence();
      }
    } else {
      m.spin_until(word.value, [](std::uint64_t value) { return value == 2; });
    }
  });
  return {run.statistics().requests, run.ends[spinners]};
}

TEST(Simulator, WhoSpinsReadsTheLineAgainAfterEachWrite) {
  // Before the first write, after it, and after the second.
  const auto one = polled(machine_of(), 1).first;
  const auto seven = polled(machine_of(), 7).first;
  EXPECT_EQ(seven - one, 6u * 3);
}

TEST(Simulator, WhoSpinsAsksAgainWhenItsCopyIsGoneOrItsPipelineStartsAgain) {
  for (const Handover handover : {Handover::direct, Handover::through}) {
    Model model = machine_of();
    model.handover = handover;
    Word word;
    const auto read = [&](Machine& m) { m.load(word.value, relaxed); };
    const Picoseconds miss = with_an_idle_owner(model, 1, word, read);
    word.value = 0;
    const Trial run(model, 2, [&](Machine& m) {
      if (m.cpu() == 0) {
        m.spin_until(word.value, [](std::uint64_t value) { return value != 0; });
        return;
      }
      m.load(word.value, relaxed);
      m.think(1'000'000);
      m.fetch_add(word.value, 1, relaxed);
    });
    if (handover == Handover::through)
      EXPECT_EQ(run.ends[0], run.ends[1] + miss);
    else
      EXPECT_LT(run.ends[0], run.ends[1] + miss);
  }
}

TEST(Simulator, WhoHasReadWhatItSpinsForDoesNotReadAgain) {
  // The line goes back to the writer between that read and what the spinner does next.
  Word word;
  const Trial run(machine_of(), 2, [&](Machine& m) {
    if (m.cpu() == 0) {
      m.spin_until(word.value, [](std::uint64_t value) { return value != 0; });
      return;
    }
    m.think(1'000'000);
    m.store(word.value, 1, release);
    m.fence();
    for (int i = 0; i < 20; ++i) m.fetch_add(word.value, 1, relaxed);
  });
  // The spinner's: before the write, and after; the writer's: the write, and once for the increments at most.
  EXPECT_LE(run.statistics().requests, 4u);
}

TEST(Simulator, WhoSpinsOnWhatItsSiblingWroteFindsItInTheirCore) {
  for (const Protocol protocol : {Protocol::home, Protocol::snoop}) {
    Model model = machine_of(protocol);
    model.places[1].core = 0;
    Word word;
    const Trial run(model, 2, [&](Machine& m) {
      for (std::uint64_t turn = m.cpu(); turn < 100; turn += 2) {
        m.spin_until(word.value, [turn](std::uint64_t value) { return value == turn; });
        m.store(word.value, turn + 1, release);
      }
    });
    // The first touch, by either.
    EXPECT_LE(run.statistics().requests, 2u);
    EXPECT_LT(run.ends[1], 400'000u);
  }
}

TEST(Simulator, WhoOnlyReadsMakesNoConditionalFail) {
  Word word;
  const Trial run(machine_of(Protocol::home, Atomics::ll_sc), 8, [&](Machine& m) {
    if (m.cpu() != 0)
      m.spin_until(word.value, [](std::uint64_t value) { return value == 20; });
    else
      for (int i = 0; i < 20; ++i) m.fetch_add(word.value, 1, relaxed);
  });
  EXPECT_EQ(run.statistics().failed_conditionals, 0u);
}

TEST(Simulator, ASpinnersReadsKeepTheLinesPortBusy) {
  // The second write comes while the reads that the first called for are being answered.
  const auto written = [](Picoseconds port) {
    Model model = machine_of();
    model.costs.port = port;
    Word word;
    return Trial(model, 8,
                 [&](Machine& m) {
                   if (m.cpu() != 7) {
                     m.spin_until(word.value, [](std::uint64_t value) { return value == 2; });
                     return;
                   }
                   for (int i = 0; i < 2; ++i) {
                     m.think(i == 0 ? 1'000'000 : 250);
                     m.fetch_add(word.value, 1, relaxed);
                   }
                 })
        .ends[7];
  };
  EXPECT_GT(written(200'000), written(1'000) + 4 * 199'000);
}

TEST(Simulator, AnInterruptFindsASpinnerAndItWaitsOn) {
  constexpr unsigned kSpinners = 6;
  Word word;
  unsigned interrupted = 0;
  const Trial trial(machine_of(), kSpinners + 2, [&](Machine& m) {
    if (m.cpu() < kSpinners) {
      const std::uint64_t wanted = m.cpu() / 3 + 1;
      m.spin_until(word.value, [wanted](std::uint64_t value) { return value >= wanted; });
      EXPECT_EQ(word.value, wanted);
    } else if (m.cpu() == kSpinners) {
      for (const std::uint64_t value : {1, 2}) {
        m.think(10'000'000);
        m.store(word.value, value, release);
      }
    } else {
      m.think(5'000'000);
      CpuMask second(m.cpus());
      for (const unsigned cpu : {1, 4}) second.set(cpu);
      m.call_many(
          second, [](Machine&, void* count) { ++*static_cast<unsigned*>(count); }, &interrupted);
    }
  });
  EXPECT_EQ(interrupted, 2u);
}

TEST(Simulator, SiblingsReadAlong) {
  Model threads = machine_of();
  for (std::uint32_t cpu = 0; cpu < 8; ++cpu) threads.places[cpu].core = cpu / 4;
  threads.costs.port = 50'000;
  Model cores = machine_of();
  cores.costs.port = 50'000;
  // Three of the seven readers are siblings of another, who brings the line.
  EXPECT_LT(last_reader(threads, 8) + 3 * 50'000, last_reader(cores, 8));
}

TEST(Simulator, DomainsReadASharedLineOneAfterTheOther) {
  Model model = machine_of();
  model.places.clear();
  for (std::uint32_t cpu = 0; cpu < 8; ++cpu) model.places.push_back({cpu, cpu, cpu, 0});
  // Each asks the home, which is the first one's; who read before answers, and the home hears of it.
  EXPECT_GT(last_reader(model, 8) - last_reader(model, 4), 4 * 100'000u);
}

// How long eight CPUs, each in a package of its own, take for an increment of one line, and how unevenly.
std::pair<double, double> across_packages(const Model& like) {
  Model model = like;
  model.places.clear();
  for (std::uint32_t cpu = 0; cpu < 8; ++cpu) model.places.push_back({cpu, cpu, cpu, 0});
  Word word;
  std::array<double, 8> done{};
  const Picoseconds until = 100'000'000;
  const Trial run(model, 8, [&](Machine& m) {
    while (m.now() * 1000 < until) {
      m.fetch_add(word.value, 1, relaxed);
      done[m.cpu()] += 1;
    }
  });
  return {static_cast<double>(until) / static_cast<double>(word.value),
          *std::max_element(done.begin(), done.end()) / *std::min_element(done.begin(), done.end())};
}

TEST(Simulator, AVisitOfAPackageEnds) {
  const auto [each, unevenness] = across_packages(machine_of());
  // The way of 70 ns and at most nine operations of 5 ns in a visit.
  EXPECT_GE(each, (70'000 + 9 * 5'000) / 10.0);
  EXPECT_LE(unevenness, 12);
}

// A bus that prefers who is near still serves who is far.
TEST(Simulator, ABusThatPrefersTheNearPassesNobodyOverForEver) {
  Model model = machine_of(Protocol::snoop);
  model.arbitration = Arbitration::near;
  Word word;
  const Trial run(model, 16, [&](Machine& m) {
    for (int i = 0; i < 200; ++i) m.fetch_add(word.value, 1, relaxed);
  });
  EXPECT_EQ(word.value, 16u * 200);
}

TEST(Simulator, ThinkTimesAreDrawnWhereAskedFor) {
  Model model = machine_of();
  model.random_think = true;
  const auto end = [&model] {
    return Trial(model, 1,
                 [](Machine& m) {
                   for (int i = 0; i < 1000; ++i) m.think(1'000);
                 })
        .ends[0];
  };
  const Picoseconds mean = 1'000u * 400;
  EXPECT_NEAR(static_cast<double>(end()), 1000.0 * static_cast<double>(mean),
              150.0 * static_cast<double>(mean));
  EXPECT_NE(end(), 1000 * mean);
  const Picoseconds first = end();
  EXPECT_EQ(end(), first);
  model.seed = 2;
  EXPECT_NE(end(), first);
}

TEST(Simulator, SaysWhenAllWaitForEver) {
  Word word;
  EXPECT_THROW(
      Trial(machine_of(), 2,
            [&](Machine& m) { m.spin_until(word.value, [](std::uint64_t value) { return value != 0; }); }),
      Deadlock);
}

TEST(Simulator, TooManyDomainsAreRefused) {
  Model model = machine_of();
  model.places.clear();
  for (std::uint32_t cpu = 0; cpu < 65; ++cpu) model.places.push_back({cpu, cpu, cpu, 0});
  EXPECT_THROW(World(model, model.places, 0, {}), std::invalid_argument);
}

}  // namespace
}  // namespace mmscale::machine::simulator
