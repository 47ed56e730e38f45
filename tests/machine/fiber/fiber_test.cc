// SPDX-License-Identifier: MIT
#include "machine/fiber/fiber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mmscale::machine {
namespace {

using ::testing::ElementsAre;

// A fiber and the thread it comes back to, with a log of who ran when.
struct Pair {
  Fiber thread;
  Fiber fiber{Fiber::kStackBytes};
  std::vector<std::string> log;
};

TEST(Fiber, RunsFromItsEntryAndGoesOnWhereItLeft) {
  Pair pair;
  pair.fiber.start(
      [](void* argument) {
        auto& p = *static_cast<Pair*>(argument);
        p.log.push_back("entered");
        p.fiber.jump(p.thread);
        p.log.push_back("back");
        p.fiber.jump(p.thread);
      },
      &pair);
  pair.log.push_back("before");
  pair.thread.jump(pair.fiber);
  pair.log.push_back("between");
  pair.thread.jump(pair.fiber);
  EXPECT_THAT(pair.log, ElementsAre("before", "entered", "between", "back"));
}

TEST(Fiber, JumpsToAnotherFiberWithoutTheThread) {
  struct Three {
    Fiber thread;
    Fiber a{Fiber::kStackBytes};
    Fiber b{Fiber::kStackBytes};
    std::vector<std::string> log;
  } three;
  three.a.start(
      [](void* argument) {
        auto& t = *static_cast<Three*>(argument);
        t.log.push_back("a1");
        t.a.jump(t.b);
        t.log.push_back("a2");
        t.a.jump(t.thread);
      },
      &three);
  three.b.start(
      [](void* argument) {
        auto& t = *static_cast<Three*>(argument);
        t.log.push_back("b");
        t.b.jump(t.a);
      },
      &three);
  three.thread.jump(three.a);
  EXPECT_THAT(three.log, ElementsAre("a1", "b", "a2"));
}

TEST(Fiber, StartsAnewInTheMiddleAndWithoutUnwinding) {
  struct Restarted {
    Fiber thread;
    Fiber fiber{Fiber::kStackBytes};
    int entries = 0;
    int destroyed = 0;
  } r;
  struct Guard {
    int& destroyed;
    ~Guard() { ++destroyed; }
  };
  for (int i = 0; i < 1000; ++i) {
    r.fiber.start(
        [](void* argument) {
          auto& here = *static_cast<Restarted*>(argument);
          Guard guard{here.destroyed};
          ++here.entries;
          here.fiber.jump(here.thread);
        },
        &r);
    r.thread.jump(r.fiber);
  }
  EXPECT_EQ(r.entries, 1000);
  EXPECT_EQ(r.destroyed, 0);
}

// Frames of some depth, so that the sanitizers see stack use on both sides of jumps.
std::uint64_t descend(Pair& pair, unsigned depth) {
  volatile std::uint64_t frame[16];
  for (unsigned i = 0; i < 16; ++i) frame[i] = depth;
  if (depth == 0) {
    pair.fiber.jump(pair.thread);
    return frame[7];
  }
  return descend(pair, depth - 1) + frame[3];
}

TEST(Fiber, KeepsItsStackAcrossJumpsAndRestarts) {
  Pair pair;
  for (unsigned depth : {0u, 10u, 100u, 5u}) {
    struct Work {
      Pair& pair;
      unsigned depth;
      std::uint64_t sum;
    } work{pair, depth, 0};
    pair.fiber.start(
        [](void* argument) {
          auto& w = *static_cast<Work*>(argument);
          w.sum = descend(w.pair, w.depth);
          w.pair.fiber.jump(w.pair.thread);
        },
        &work);
    pair.thread.jump(pair.fiber);
    pair.thread.jump(pair.fiber);
    EXPECT_EQ(work.sum, std::uint64_t{depth} * (depth + 1) / 2);
  }
}

TEST(Fiber, CatchesItsOwnExceptions) {
  Pair pair;
  pair.fiber.start(
      [](void* argument) {
        auto& p = *static_cast<Pair*>(argument);
        try {
          throw std::string("thrown");
        } catch (const std::string& what) {
          p.log.push_back(what);
        }
        p.fiber.jump(p.thread);
      },
      &pair);
  pair.thread.jump(pair.fiber);
  EXPECT_THAT(pair.log, ElementsAre("thrown"));
}

TEST(Fiber, ThousandsLiveAtOnce) {
  struct Ring {
    Fiber thread;
    std::vector<std::unique_ptr<Fiber>> fibers;
    std::size_t next = 0;
  } ring;
  constexpr std::size_t kFibers = 1536;
  for (std::size_t i = 0; i < kFibers; ++i) {
    ring.fibers.push_back(std::make_unique<Fiber>(Fiber::kStackBytes));
    ring.fibers.back()->start(
        [](void* argument) {
          auto& r = *static_cast<Ring*>(argument);
          Fiber& self = *r.fibers[r.next++];
          self.jump(r.next < r.fibers.size() ? *r.fibers[r.next] : r.thread);
        },
        &ring);
  }
  ring.thread.jump(*ring.fibers[0]);
  EXPECT_EQ(ring.next, kFibers);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(FiberDeathTest, OverflowHitsTheGuardPage) {
  EXPECT_EXIT(
      {
        Pair pair;
        pair.fiber.start(
            [](void* argument) {
              auto& p = *static_cast<Pair*>(argument);
              p.log.push_back(std::to_string(descend(p, 1'000'000)));
            },
            &pair);
        pair.thread.jump(pair.fiber);
      },
      ::testing::KilledBySignal(SIGSEGV), "");
}
#endif

TEST(FiberDeathTest, ReturningFromTheEntryAborts) {
  EXPECT_DEATH(
      {
        Pair pair;
        pair.fiber.start([](void*) {}, nullptr);
        pair.thread.jump(pair.fiber);
      },
      "");
}

}  // namespace
}  // namespace mmscale::machine
