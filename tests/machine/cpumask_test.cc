// SPDX-License-Identifier: MIT
#include "machine/cpumask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace mmscale::machine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<unsigned> members(const CpuMask& mask) {
  std::vector<unsigned> cpus;
  mask.for_each([&](unsigned cpu) { cpus.push_back(cpu); });
  return cpus;
}

TEST(CpuMask, StartsEmpty) {
  const CpuMask mask(1536);
  EXPECT_EQ(mask.count(), 0u);
  EXPECT_THAT(members(mask), IsEmpty());
  EXPECT_FALSE(mask.test(1535));
}

TEST(CpuMask, ListsMembersAscendingAcrossWords) {
  CpuMask mask(1536);
  for (unsigned cpu : {1535u, 64u, 0u, 63u, 64u}) mask.set(cpu);
  EXPECT_THAT(members(mask), ElementsAre(0u, 63u, 64u, 1535u));
  EXPECT_EQ(mask.count(), 4u);
  EXPECT_TRUE(mask.test(63));
  EXPECT_FALSE(mask.test(62));
  EXPECT_FALSE(mask.test(127));
}

TEST(CpuMask, ResetTakesOutOneOnly) {
  CpuMask mask(128);
  mask.set(3);
  mask.set(67);
  mask.reset(3);
  mask.reset(4);
  EXPECT_THAT(members(mask), ElementsAre(67u));
}

TEST(CpuMask, ClearKeepsTheSize) {
  CpuMask mask(130);
  mask.set(129);
  mask.clear();
  EXPECT_THAT(members(mask), IsEmpty());
  mask.set(129);
  EXPECT_THAT(members(mask), ElementsAre(129u));
}

TEST(CpuMask, TakesWholeWords) {
  CpuMask mask(128);
  mask.set(5);
  mask.set_word(0, 0b110);
  mask.set_word(1, std::uint64_t{1} << 63);
  EXPECT_THAT(members(mask), ElementsAre(1u, 2u, 127u));
}

TEST(CpuMask, WordsHoldEveryCpuAndNoMore) {
  EXPECT_EQ(CpuMask::words_for(1), 1u);
  EXPECT_EQ(CpuMask::words_for(64), 1u);
  EXPECT_EQ(CpuMask::words_for(65), 2u);
  EXPECT_EQ(CpuMask::words_for(1536), 24u);
  EXPECT_EQ(CpuMask(65).words(), 2u);
}

TEST(CpuMask, IteratesOverTheMembersItHadWhenAWordWasReached) {
  CpuMask mask(64);
  mask.set(1);
  mask.set(2);
  std::vector<unsigned> seen;
  mask.for_each([&](unsigned cpu) {
    seen.push_back(cpu);
    mask.reset(2);
  });
  EXPECT_THAT(seen, ElementsAre(1u, 2u));
}

}  // namespace
}  // namespace mmscale::machine
