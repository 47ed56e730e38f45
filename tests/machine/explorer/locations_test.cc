// SPDX-License-Identifier: MIT
#include "machine/explorer/locations.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mmscale::machine::explorer {
namespace {

TEST(Locations, AreNobodysUntilTheyAreSomebodys) {
  Locations locations;
  int word = 0;
  EXPECT_EQ(locations.find(&word).toucher, Locations::kNobody);
  EXPECT_EQ(locations[&word].writer, Locations::kNobody);
  locations[&word].toucher = 2;
  locations[&word].writer = Locations::kShared;
  EXPECT_EQ(locations.find(&word).toucher, 2u);
  EXPECT_EQ(locations.find(&word).writer, Locations::kShared);
}

// As many as make it grow several times, a page apart too, where the lower bits are all alike.
TEST(Locations, KeepTheirFactsHoweverManyThereAre) {
  for (const std::size_t apart : {std::size_t{8}, std::size_t{4096}}) {
    Locations locations;
    std::vector<std::byte> memory(3000 * apart);
    for (std::size_t i = 0; i < 3000; ++i) {
      EXPECT_EQ(locations[&memory[i * apart]].toucher, Locations::kNobody);
      locations[&memory[i * apart]].toucher = static_cast<std::uint32_t>(i);
    }
    for (std::size_t i = 0; i < 3000; ++i) EXPECT_EQ(locations.find(&memory[i * apart]).toucher, i);
    EXPECT_EQ(locations.find(&memory[1]).toucher, Locations::kNobody);
  }
}

}  // namespace
}  // namespace mmscale::machine::explorer
