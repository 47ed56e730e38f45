// SPDX-License-Identifier: MIT
#include "topology/distance.h"

#include <gtest/gtest.h>

#include <set>

#include "topology/machines.h"

namespace mmscale::topology {
namespace {

Distance between(const Layout& layout, unsigned a, unsigned b) {
  return distance(layout, *find(layout, a), *find(layout, b));
}

TEST(Distance, NearestThingShared) {
  const Layout layout = machine("pack:2 die:2 l3:2 core:2 pu:2");
  EXPECT_EQ(between(layout, 0, 0), Distance::kSamePu);
  EXPECT_EQ(between(layout, 0, 1), Distance::kSmtSibling);
  EXPECT_EQ(between(layout, 0, 2), Distance::kSameLlc);
  EXPECT_EQ(between(layout, 0, 4), Distance::kSameDie);
  EXPECT_EQ(between(layout, 0, 8), Distance::kSamePackage);
  EXPECT_EQ(between(layout, 0, 16), Distance::kOtherPackage);
}

TEST(Distance, NoDieIsNotTheSameDie) {
  EXPECT_EQ(between(machine("pack:2 l3:2 core:2 pu:1"), 0, 2), Distance::kSamePackage);
}

TEST(Distance, CachesNobodyReportedAreNotShared) {
  EXPECT_EQ(between(machine("pack:2 core:2 pu:1"), 0, 1), Distance::kSamePackage);
}

TEST(Distance, OfflineIsUnknown) {
  const Layout layout = recorded("sparse.xml");
  EXPECT_EQ(between(layout, 0, 3), Distance::kUnknown);
  EXPECT_EQ(between(layout, 3, 0), Distance::kUnknown);
}

TEST(Distance, IsSymmetricAndNeverUnknownOnline) {
  for (const auto& [name, layout] : machines()) {
    for (std::size_t i = 0; i < layout.pus.size(); i += 1 + layout.pus.size() / 30) {
      for (const Pu& other : layout.pus) {
        const Distance there = distance(layout, layout.pus[i], other);
        ASSERT_EQ(there, distance(layout, other, layout.pus[i])) << name;
        ASSERT_EQ(there == Distance::kSamePu, other.os_index == layout.pus[i].os_index) << name;
        ASSERT_TRUE(there != Distance::kUnknown || !other.online || !layout.pus[i].online) << name;
      }
    }
  }
}

TEST(Distance, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (Distance each : kDistances) names.insert(to_string(each));
  EXPECT_EQ(names.size(), kDistances.size());
  EXPECT_EQ(to_string(Distance::kSmtSibling), "smt-sibling");
}

}  // namespace
}  // namespace mmscale::topology
