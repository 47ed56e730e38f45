// SPDX-License-Identifier: MIT
#include "topology/sharing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "topology/machines.h"
#include "topology/placement.h"

namespace mmscale::topology {
namespace {

using testing::ElementsAre;

// Packages begin at 0 and 8, dies at +0 and +4, LLCs at +0 and +2; two CPUs a core.
std::vector<unsigned> grouped(std::vector<unsigned> cpus, std::string_view sharing) {
  static const Layout layout = machine("pack:2 [numa] die:2 l3:2 core:1 pu:2");
  return groups(layout, cpus, parse_sharing(sharing));
}

TEST(Sharing, GroupsByWhatIsShared) {
  const std::vector<unsigned> cpus{8, 0, 9, 4, 2, 1};
  EXPECT_THAT(grouped(cpus, "all"), ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_THAT(grouped(cpus, "package"), ElementsAre(0, 1, 0, 1, 1, 1));
  EXPECT_THAT(grouped(cpus, "numa"), ElementsAre(0, 1, 0, 1, 1, 1));
  EXPECT_THAT(grouped(cpus, "die"), ElementsAre(0, 1, 0, 2, 1, 1));
  EXPECT_THAT(grouped(cpus, "llc"), ElementsAre(0, 1, 0, 2, 3, 1));
  EXPECT_THAT(grouped(cpus, "core"), ElementsAre(0, 1, 0, 2, 3, 1));
  EXPECT_THAT(grouped(cpus, "private"), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(grouped(cpus, "4"), ElementsAre(0, 0, 0, 0, 1, 1));
}

TEST(Sharing, CpusOfNoNodeAreNotOfOne) {
  Layout layout = machine("pack:3 [numa] core:2 pu:1");
  for (const unsigned cpu : {2u, 3u, 4u, 5u}) layout.pus[cpu].numa_node = kNone;
  EXPECT_THAT(groups(layout, order(layout, parse_placement("compact")), parse_sharing("numa")),
              ElementsAre(0, 0, 1, 1, 2, 2));
}

TEST(Sharing, GroupsAreNumberedWithoutGaps) {
  for (const auto& [name, layout] : machines()) {
    const auto cpus = order(layout, parse_placement("scatter"));
    for (std::string_view sharing : kSharingNames) {
      unsigned next = 0;
      for (unsigned group : groups(layout, cpus, parse_sharing(sharing))) {
        ASSERT_LE(group, next) << name << ' ' << sharing;
        next = std::max(next, group + 1);
      }
    }
  }
}

TEST(Sharing, ReadsBackWhatItWrites) {
  for (std::string_view name : kSharingNames) EXPECT_EQ(to_string(parse_sharing(name)), name);
  EXPECT_EQ(to_string(parse_sharing("16")), "16");
}

TEST(Sharing, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "0", "-1", "socket", "4x", "99999999999"}) {
    EXPECT_THROW(parse_sharing(text), std::invalid_argument) << text;
  }
  EXPECT_THROW(grouped({99}, "all"), std::invalid_argument);
}

}  // namespace
}  // namespace mmscale::topology
