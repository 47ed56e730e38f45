// SPDX-License-Identifier: MIT
#include "kernel/tally.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

namespace mmscale::kernel {
namespace {

// The n-th counter is base * (n + 1), so that no two are alike.
Tally numbered(std::uint64_t base) {
  Tally tally;
  std::uint64_t value = 0;
  for (const Tally::Field& field : Tally::fields()) tally.*field.member = value += base;
  return tally;
}

void expect_equal(const Tally& got, const Tally& want) {
  for (const Tally::Field& field : Tally::fields())
    EXPECT_EQ(got.*field.member, want.*field.member) << field.name;
}

TEST(Tally, FieldsNameEveryCounterOnce) {
  // The counters lie one behind the other: one that is missing from the table leaves a gap.
  const Tally tally;
  std::set<std::ptrdiff_t> places;
  std::set<std::string_view> names;
  for (const Tally::Field& field : Tally::fields()) {
    places.insert(reinterpret_cast<const char*>(&(tally.*field.member)) -
                  reinterpret_cast<const char*>(&tally));
    names.insert(field.name);
  }
  EXPECT_EQ(names.size(), Tally::fields().size());
  ASSERT_EQ(places.size(), Tally::fields().size());
  EXPECT_EQ(*places.begin(), 0);
  EXPECT_EQ(*places.rbegin(), static_cast<std::ptrdiff_t>((places.size() - 1) * sizeof(std::uint64_t)));
}

TEST(Tally, NamesMatchTheCounters) {
  Tally tally;
  tally.ipis_exit_flush = 7;
  tally.mms_freed = 8;
  for (const Tally::Field& field : Tally::fields()) {
    const std::uint64_t want = field.name == "ipis_exit_flush" ? 7 : field.name == "mms_freed" ? 8 : 0;
    EXPECT_EQ(tally.*field.member, want) << field.name;
  }
}

TEST(Tally, AddsCounterByCounter) {
  Tally sum = numbered(1);
  sum += numbered(10);
  expect_equal(sum, numbered(11));
}

TEST(Tally, SinceIsTheDifference) {
  expect_equal(numbered(11).since(numbered(10)), numbered(1));
  expect_equal(numbered(3).since(numbered(3)), Tally{});
}

TEST(Tally, SumsOfKinds) {
  Tally tally;
  tally.lazy_grabs = 1;
  tally.lazy_drops = 10;
  tally.lazy_grabs_unlazy = 100;
  tally.lazy_drops_unlazy = 1000;
  tally.ipis_useful = 5;
  tally.ipis_useless = 6;
  tally.shoot_self = 7;
  EXPECT_EQ(tally.mm_count_ops(), 1111u);
  EXPECT_EQ(tally.ipis_sent(), 0u);
  tally.ipis_shoot = 1;
  tally.ipis_exit_flush = 10;
  tally.ipis_trim = 100;
  EXPECT_EQ(tally.ipis_sent(), 111u);
  EXPECT_EQ(tally.mm_count_ops(), 1111u);
}

// Tallies of two CPUs, even side by side, share no line pair.
TEST(Tally, StandsApart) { EXPECT_EQ(sizeof(Tally) % machine::kApart, 0u); }

}  // namespace
}  // namespace mmscale::kernel
