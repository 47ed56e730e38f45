// SPDX-License-Identifier: MIT
#include "machine/simulator/turns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace mmscale::machine::simulator {
namespace {

TEST(Turns, NobodyGoesOnAtFirst) {
  for (const std::uint32_t cpus : {1u, 2u, 5u}) EXPECT_EQ(Turns(cpus).time(), kNever);
}

TEST(Turns, TheEarliestIsNextAndOfSeveralTheFirst) {
  Turns turns(5);
  turns.set(4, 7);
  EXPECT_EQ(turns.next(), 4u);
  turns.set(2, 7);
  EXPECT_EQ(turns.next(), 2u);
  turns.set(3, 6);
  EXPECT_EQ(turns.next(), 3u);
  EXPECT_EQ(turns.time(), 6u);
  turns.set(3, kNever);
  EXPECT_EQ(turns.next(), 2u);
  EXPECT_EQ(turns.of(2), 7u);
  EXPECT_EQ(turns.of(3), kNever);
}

// Near, and hundreds of days apart, which a key has no room for.
TEST(Turns, AgreesWithASearchThroughAll) {
  std::mt19937_64 random(1);
  for (const Picoseconds apart : {Picoseconds{1}, kNever / 64})
    for (const std::uint32_t cpus : {1u, 2u, 3u, 64u, 100u}) {
      Turns turns(cpus);
      std::vector<Picoseconds> times(cpus, kNever);
      const auto drawn = [&] { return random() % 8 == 0 ? kNever : random() % 50 * apart + random() % 3; };
      for (int i = 0; i < 2000; ++i) {
        const auto cpu = static_cast<std::uint32_t>(random() % cpus);
        times[cpu] = drawn();
        const auto changed = static_cast<std::uint32_t>(random() % cpus);
        times[changed] = drawn();
        turns.change(changed, times[changed]);
        const Picoseconds until = turns.set(cpu, times[cpu]);
        Picoseconds expected = kNever;
        for (std::uint32_t other = 0; other < cpus; ++other)
          if (other != cpu && times[other] != kNever)
            expected = std::min(expected, times[other] + (cpu < other));
        if (apart == 1 && expected != kNever)
          ASSERT_EQ(until, expected);
        else
          ASSERT_LE(until, expected);
        const auto earliest = std::min_element(times.begin(), times.end());
        ASSERT_EQ(turns.time(), *earliest);
        ASSERT_EQ(turns.next(), earliest - times.begin());
      }
    }
}

}  // namespace
}  // namespace mmscale::machine::simulator
