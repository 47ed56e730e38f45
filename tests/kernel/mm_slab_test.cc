// SPDX-License-Identifier: MIT
#include "kernel/mm_slab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <vector>

#include "scheme/refcount.h"
#include "support/by_hand.h"
#include "support/run_on_cpus.h"

namespace mmscale::kernel {
namespace {

using Kernel = test::ByHand<scheme::Refcount>;
using SlabMm = Kernel::Mm;

// All that CPU `n` can get.
std::vector<SlabMm*> allocate_all(Kernel& kernel, unsigned n) {
  std::vector<SlabMm*> slots;
  while (SlabMm* mm = kernel.system.slab.allocate(kernel.m(n), kernel.cpu(n).magazine)) slots.push_back(mm);
  return slots;
}

void free_all(Kernel& kernel, unsigned n, const std::vector<SlabMm*>& slots) {
  for (SlabMm* mm : slots) kernel.system.slab.free(kernel.m(n), kernel.cpu(n).magazine, mm);
}

TEST(MmSlab, GivesEachSlotOnceAndThenNothing) {
  Kernel kernel(1, 3);
  const std::vector<SlabMm*> slots = allocate_all(kernel, 0);
  EXPECT_GE(slots.size(), 3u);
  EXPECT_EQ(std::set(slots.begin(), slots.end()).size(), slots.size());
  EXPECT_THAT(slots, testing::Not(testing::Contains(kernel.init_mm())));
  EXPECT_EQ(kernel.system.slab.allocate(kernel.m(0), kernel.cpu(0).magazine), nullptr);
}

TEST(MmSlab, SlotsDoNotOverlap) {
  Kernel kernel(1, 3);
  std::vector<SlabMm*> slots = allocate_all(kernel, 0);
  slots.push_back(kernel.init_mm());
  std::sort(slots.begin(), slots.end());
  for (std::size_t i = 1; i < slots.size(); ++i)
    EXPECT_GE(reinterpret_cast<std::byte*>(slots[i]) - reinterpret_cast<std::byte*>(slots[i - 1]),
              static_cast<std::ptrdiff_t>(SlabMm::bytes(1, kernel.system)));
}

TEST(MmSlab, TakesBackAndGivesAgain) {
  Kernel kernel(1, 40);
  const std::vector<SlabMm*> slots = allocate_all(kernel, 0);
  for (int round = 0; round < 3; ++round) {
    free_all(kernel, 0, slots);
    EXPECT_THAT(allocate_all(kernel, 0), testing::UnorderedElementsAreArray(slots));
  }
}

// A CPU that only frees passes slots on to one that only allocates, but for what its magazine holds.
TEST(MmSlab, SlotsTravelBetweenCpusThroughTheDepot) {
  Kernel kernel(2, 40);
  const std::vector<SlabMm*> slots = allocate_all(kernel, 0);
  free_all(kernel, 1, slots);
  std::vector<SlabMm*> again = allocate_all(kernel, 0);
  EXPECT_EQ(again.size() + kernel.cpu(1).magazine.count, slots.size());
  EXPECT_GE(again.size(), 40u);
  const std::vector<SlabMm*> hoarded = allocate_all(kernel, 1);
  again.insert(again.end(), hoarded.begin(), hoarded.end());
  EXPECT_THAT(again, testing::UnorderedElementsAreArray(slots));
}

// What bytes() promises: the mms that may live at a time are there, whatever the other CPUs' magazines keep.
TEST(MmSlab, HoardingCpusLeaveEnough) {
  constexpr unsigned kCpus = 4, kMms = 5;
  for (unsigned needy = 0; needy < kCpus; ++needy) {
    Kernel kernel(kCpus, kMms);
    const std::vector<SlabMm*> slots = allocate_all(kernel, 0);
    // Each CPU frees as many as its magazine can take, so that it hoards the most it can.
    std::size_t next = 0;
    for (unsigned round = 0; next < slots.size(); ++round)
      for (unsigned n = 0; n < kCpus && next < slots.size(); ++n)
        kernel.system.slab.free(kernel.m(n), kernel.cpu(n).magazine, slots[next++]);
    EXPECT_GE(allocate_all(kernel, needy).size(), kMms);
  }
}

TEST(MmSlab, MagazineCountsWhatItHolds) {
  Kernel kernel(1, 40);
  const std::vector<SlabMm*> slots = allocate_all(kernel, 0);
  free_all(kernel, 0, slots);
  unsigned linked = 0;
  for (const SlabMm* mm = kernel.cpu(0).magazine.first; mm != nullptr; mm = mm->next_free) ++linked;
  EXPECT_EQ(linked, kernel.cpu(0).magazine.count);
  EXPECT_GT(linked, 0u);
}

// Two CPUs that pass the slots round through the depot at the same time lose none.
TEST(MmSlab, CpusAtTheSameTimeLoseNothing) {
  Kernel kernel(2, 60);
  const std::size_t all = [&] {
    const std::vector<SlabMm*> slots = allocate_all(kernel, 0);
    free_all(kernel, 0, slots);
    return slots.size();
  }();
  std::array<unsigned, 2> refused{};
  test::run_on_cpus(2, [&](unsigned n, unsigned) {
    std::vector<SlabMm*> mine;
    for (unsigned round = 0; round < 2000; ++round) {
      // More than a magazine holds, so that every round goes to the depot.
      for (unsigned i = 0; i < 20; ++i)
        if (SlabMm* mm = kernel.system.slab.allocate(kernel.m(n), kernel.cpu(n).magazine)) mine.push_back(mm);
      refused[n] += 20 - static_cast<unsigned>(mine.size());
      free_all(kernel, n, mine);
      mine.clear();
    }
  });
  EXPECT_THAT(refused, testing::Each(0u)) << "40 of 60 are in use at most";
  std::vector<SlabMm*> slots = allocate_all(kernel, 0);
  const std::vector<SlabMm*> rest = allocate_all(kernel, 1);
  slots.insert(slots.end(), rest.begin(), rest.end());
  EXPECT_EQ(slots.size(), all);
  EXPECT_EQ(std::set(slots.begin(), slots.end()).size(), all);
}

// init_mm as the kernel boots it (mm/init-mm.c), before lazy CPUs count on it.
TEST(MmSlab, InitMmLives) {
  Kernel kernel(1);
  EXPECT_EQ(kernel.init_mm()->mm_users, 2);
  EXPECT_FALSE(Kernel::is_free(kernel.init_mm()));
}

}  // namespace
}  // namespace mmscale::kernel
