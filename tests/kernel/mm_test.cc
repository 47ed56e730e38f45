// SPDX-License-Identifier: MIT
#include "kernel/mm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernel/build.h"
#include "kernel/lifecycle/powerpc.h"
#include "machine/silicon/silicon.h"
#include "scheme/refcount.h"
#include "scheme/refcount_packed.h"
#include "support/by_hand.h"

namespace mmscale::kernel {
namespace {

using testing::Each;
using testing::Gt;
using testing::Ne;

// A slot as the slab makes them, for a system of `cpus` CPUs.
template <class Scheme>
struct Slot {
  using Machine = machine::silicon::Silicon<true>;
  using TheMm = Mm<Machine>;
  static kernel::Build<Machine> build() { return build_of<Scheme, lifecycle::Powerpc, Machine>(); }
  static std::size_t bytes(unsigned cpus) { return TheMm::bytes(cpus, build()); }
  struct alignas(kLine) Line {
    std::byte bytes[kLine];
  };

  explicit Slot(unsigned cpus)
      : memory(bytes(cpus) / kLine), mm(*TheMm::construct(memory[0].bytes, cpus, build())) {}

  template <class Member>
  std::size_t line(const Member& member) const {
    return offset(member) / kLine;
  }
  template <class Member>
  std::size_t offset(const Member& member) const {
    return static_cast<std::size_t>(reinterpret_cast<const std::byte*>(&member) - memory[0].bytes);
  }
  std::size_t size() const { return memory.size() * kLine; }
  // What a switch reads, and mm_users beside it.
  std::vector<std::size_t> read_mostly_lines() {
    return {line(mm.pgd), line(mm.membarrier_state), line(mm.mm_users), line(mm.pcpu_cid)};
  }
  // What dying and the architecture write.
  std::vector<std::size_t> other_lines() {
    return {line(mm.active_cpus), line(mm.exit_flushes), line(mm.generation), line(mm.next_free),
            line(mm.cpumask(0))};
  }

  auto& mm_count() { return mm.mm_count(Scheme::kLayout); }

  std::vector<Line> memory;
  TheMm& mm;
};

TEST(MmLayout, IsolatedMmCountIsAloneInItsLine) {
  Slot<scheme::Refcount> slot(64);
  EXPECT_EQ(slot.line(slot.mm_count()), 0u);
  EXPECT_THAT(slot.read_mostly_lines(), Each(1u));
  EXPECT_THAT(slot.other_lines(), Each(Gt(1u)));
}

TEST(MmLayout, PackedMmCountSharesItsLineWithWhatEverySwitchReads) {
  Slot<scheme::RefcountPacked> slot(64);
  const std::size_t line = slot.line(slot.mm_count());
  EXPECT_THAT(slot.read_mostly_lines(), Each(line));
  EXPECT_THAT(slot.other_lines(), Each(Ne(line)));
}

template <class Scheme>
void expect_mask_in_lines_of_its_own(unsigned cpus) {
  SCOPED_TRACE(cpus);
  Slot<Scheme> slot(cpus);
  const unsigned words = (cpus + 63) / 64;
  const std::size_t mask = slot.offset(slot.mm.cpumask(0));
  EXPECT_EQ(mask % kLine, 0u);
  EXPECT_EQ(mask, sizeof(slot.mm));
  // Contiguous, and the slot ends with the line of the last word.
  const std::size_t end = slot.offset(slot.mm.cpumask(words - 1)) + sizeof(std::uint64_t);
  EXPECT_EQ(end, mask + words * sizeof(std::uint64_t));
  EXPECT_EQ(slot.size(), (end + kLine - 1) / kLine * kLine);
}

TEST(MmLayout, TheMaskStartsALineAndFitsTheSlot) {
  for (unsigned cpus : {1u, 64u, 65u, 512u, 513u, 1536u}) {
    expect_mask_in_lines_of_its_own<scheme::Refcount>(cpus);
    expect_mask_in_lines_of_its_own<scheme::RefcountPacked>(cpus);
  }
}

TEST(Mm, ConstructMakesAFreeSlotWithAnEmptyMask) {
  Slot<scheme::Refcount> slot(130);
  EXPECT_EQ(slot.mm.generation % 2, 1u);
  for (unsigned w = 0; w < 3; ++w) EXPECT_EQ(slot.mm.cpumask(w), 0u);
  EXPECT_EQ(slot.mm_count(), 0);
  EXPECT_EQ(slot.mm.mm_users, 0);
}

// A scheme with room of all three kinds.
struct Keeping : scheme::Refcount {
  template <class M>
  struct PerCpu {
    unsigned value = 1;
  };
  template <class M>
  struct PerMm {
    unsigned value = 2;
    void reset(M&) { value = 20; }
  };
  template <class M>
  struct alignas(kLine) PerMmPerCpu {
    unsigned value = 3;
    void reset(M&) { value = 30; }
  };
};

TEST(MmState, PerCpuStateOfASchemeStandsBehindTheMask) {
  constexpr unsigned kCpus = 70;
  Slot<Keeping> slot(kCpus);
  const std::size_t mask_end = slot.offset(slot.mm.cpumask(1)) + sizeof(std::uint64_t);
  for (unsigned cpu = 0; cpu < kCpus; ++cpu) {
    auto& state = scheme_state<Keeping::PerMmPerCpu>(&slot.mm, cpu, kCpus);
    EXPECT_EQ(state.value, 3u);
    EXPECT_EQ(slot.offset(state) % kLine, 0u);
    EXPECT_GE(slot.offset(state), mask_end + cpu * kLine);
  }
  EXPECT_EQ(slot.offset(scheme_state<Keeping::PerMmPerCpu>(&slot.mm, kCpus - 1, kCpus)) + kLine, slot.size());
}

TEST(MmState, IsResetAtBirth) {
  test::ByHand<Keeping> k(2);
  test::ByHand<Keeping>::Task task;
  auto* mm = k.fork({&task});
  EXPECT_EQ(k.scheme(1).value, 1u);
  EXPECT_EQ(scheme_state<Keeping::PerMm>(mm).value, 20u);
  for (unsigned cpu : {0u, 1u}) {
    EXPECT_EQ(scheme_state<Keeping::PerMmPerCpu>(mm, cpu, 2).value, 30u);
    scheme_state<Keeping::PerMmPerCpu>(mm, cpu, 2).value = 0;
  }
  scheme_state<Keeping::PerMm>(mm).value = 0;
  k.run(0, task);
  k.exit(0);
  k.unlazy(0, mm);
  ASSERT_TRUE(k.is_free(mm));
  ASSERT_EQ(k.fork({&task}), mm);
  EXPECT_EQ(scheme_state<Keeping::PerMm>(mm).value, 20u);
  for (unsigned cpu : {0u, 1u}) EXPECT_EQ(scheme_state<Keeping::PerMmPerCpu>(mm, cpu, 2).value, 30u);
}

// What is kept per mm stands in the line that dying writes; only what is kept per CPU makes the slot larger.
TEST(MmState, CostsNoLine) {
  EXPECT_EQ(sizeof(Slot<scheme::Refcount>::TheMm), 3 * kLine);
  EXPECT_EQ(Slot<scheme::Refcount>::bytes(64), 4 * kLine);
  EXPECT_EQ(Slot<scheme::RefcountPacked>::bytes(64), 4 * kLine);
  EXPECT_EQ(Slot<Keeping>::bytes(64), (4 + 64) * kLine);
  Slot<Keeping> slot(2);
  EXPECT_EQ(slot.line(scheme_state<Keeping::PerMm>(&slot.mm)), slot.line(slot.mm.active_cpus));
}

}  // namespace
}  // namespace mmscale::kernel
