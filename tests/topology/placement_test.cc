// SPDX-License-Identifier: MIT
#include "topology/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "topology/cpu_list.h"
#include "topology/machines.h"
#include "topology/order_checks.h"

namespace mmscale::topology {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Cpus ordered(const Layout& layout, std::string_view placement) {
  return order(layout, parse_placement(placement));
}

template <typename Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

// Two packages of one LLC with two cores of two CPUs: 0,1 | 2,3 || 4,5 | 6,7.
const Layout& small() {
  static const Layout layout = machine("pack:2 l3:1 core:2 pu:2");
  return layout;
}

TEST(Placement, OrdersAreAsTheDocumentationDrawsThem) {
  const Layout drawn = machine("pack:2 l3:2 core:2 pu:2");
  EXPECT_THAT(ordered(drawn, "compact"), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  EXPECT_THAT(ordered(drawn, "scatter"), ElementsAre(0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15));
  EXPECT_THAT(ordered(drawn, "socket"), ElementsAre(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15));
  EXPECT_THAT(ordered(drawn, "smt-first"), ElementsAre(0, 1, 8, 9, 4, 5, 12, 13, 2, 3, 10, 11, 6, 7, 14, 15));
  EXPECT_THAT(ordered(drawn, "smt-last"), ElementsAre(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15));
  EXPECT_THAT(ordered(drawn, "8-14:2,0"), ElementsAre(8, 10, 12, 14, 0));
}

TEST(Placement, UnequalPackagesAreUsedUpBeforeSiblingsAre) {
  const Layout lopsided = forbid(machine("pack:2 core:4 pu:2"), {2, 3, 4, 5, 6, 7});
  EXPECT_THAT(ordered(lopsided, "scatter"), ElementsAre(0, 8, 10, 12, 14, 1, 9, 11, 13, 15));
}

TEST(Placement, ScatterAlternatesOnEveryLevel) {
  const Cpus cpus = ordered(machine("pack:2 die:2 l3:2 core:2 pu:1"), "scatter");
  // Packages begin at 0 and 8, dies at +0 and +4, LLCs at +0 and +2.
  EXPECT_THAT(cpus, ElementsAre(0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15));
}

TEST(Placement, HybridCoresComeFastestFirst) {
  const Layout hybrid = recorded("hybrid.xml");
  EXPECT_THAT(ordered(hybrid, "compact"), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(ordered(hybrid, "scatter"), ElementsAre(0, 2, 4, 5, 1, 3));
  EXPECT_THAT(ordered(hybrid, "smt-last"), ElementsAre(0, 2, 4, 5, 1, 3));
  const Layout slow_first = make_fast(machine("pack:2 core:2 pu:1"), {3});
  EXPECT_THAT(ordered(slow_first, "compact"), ElementsAre(3, 2, 0, 1));
  EXPECT_THAT(ordered(slow_first, "scatter"), ElementsAre(3, 0, 2, 1));
}

TEST(Placement, KindsThatCannotBeRankedChangeNothing) {
  Layout layout = make_fast(small(), {4, 5, 6, 7});
  layout.core_kinds_ranked = false;
  for (std::string_view name : kPlacementNames)
    EXPECT_EQ(ordered(layout, name), ordered(small(), name)) << name;
}

TEST(Placement, ACoreWhoseFirstSiblingIsNotOursIsStillAWholeCore) {
  EXPECT_THAT(ordered(forbid(small(), {2}), "smt-last"), ElementsAre(0, 3, 4, 6, 1, 5, 7));
}

TEST(Placement, EveryOrderOfEveryMachineKeepsItsPromise) {
  for (const auto& [name, layout] : machines()) {
    SCOPED_TRACE(name);
    std::map<std::string_view, Cpus> orders;
    for (std::string_view placement : kPlacementNames) {
      SCOPED_TRACE(placement);
      orders[placement] = ordered(layout, placement);
      EXPECT_EQ(not_a_permutation(layout, orders[placement]), "");
      EXPECT_EQ(slow_before_fast(layout, orders[placement]), "");
    }
    const bool alike = layout.core_kinds.size() <= 1;
    EXPECT_EQ(comes_back(layout, orders["compact"], &Pu::core), "");
    EXPECT_EQ(comes_back(layout, orders["compact"], &Pu::package), "");
    EXPECT_EQ(comes_back(layout, orders["smt-first"], &Pu::core), "");
    EXPECT_EQ(comes_back(layout, orders["socket"], &Pu::package), "");
    EXPECT_EQ(sibling_too_early(layout, orders["smt-last"]), "");
    EXPECT_EQ(sibling_too_early(layout, orders["scatter"]), "");
    EXPECT_EQ(unbalanced(layout, orders["scatter"], &Pu::package), "");
    if (!alike) continue;  // a kind of core may cut across dies and LLCs
    EXPECT_EQ(comes_back(layout, orders["compact"], &Pu::llc), "");
    EXPECT_EQ(comes_back(layout, orders["compact"], &Pu::die), "");
    EXPECT_EQ(unbalanced(layout, orders["scatter"], &Pu::die, &Pu::package), "");
    EXPECT_EQ(unbalanced(layout, orders["scatter"], &Pu::llc, &Pu::die), "");
  }
}

TEST(Placement, FewerCpusAreAPrefixOfMore) {
  for (const auto& [name, layout] : machines()) {
    SCOPED_TRACE(name);
    for (std::string_view placement : kPlacementNames) {
      const Cpus all = ordered(layout, placement);
      const std::size_t step = 1 + all.size() / 16;
      for (std::size_t n = 1; n <= all.size(); n += step) {
        const Cpus some = place(layout, parse_placement(placement), static_cast<unsigned>(n));
        ASSERT_EQ(some, Cpus(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n))) << placement;
      }
    }
  }
}

TEST(Placement, DoesNotDependOnHowTheLayoutIsListed) {
  std::mt19937 random(1);
  for (const auto& [name, layout] : machines()) {
    Layout shuffled = layout;
    std::ranges::shuffle(shuffled.pus, random);
    for (std::string_view placement : kPlacementNames) {
      EXPECT_EQ(ordered(shuffled, placement), ordered(layout, placement)) << name << ' ' << placement;
    }
  }
}

TEST(Placement, FourThousandCpus) {
  const Layout layout = machine("pack:16 core:32 pu:8");
  EXPECT_EQ(ordered(layout, "scatter").size(), 4096u);
  EXPECT_THAT(place(layout, parse_placement("scatter"), 3), ElementsAre(0, 256, 512));
  EXPECT_THAT(place(layout, parse_placement("4095,1024-1026"), 4), ElementsAre(4095, 1024, 1025, 1026));
}

TEST(Placement, AListBeatsTheAffinityMaskButNotTheCpuset) {
  const Layout isolated = allow_only(small(), std::vector<unsigned>{0, 1});
  EXPECT_THAT(ordered(isolated, "5,1"), ElementsAre(5, 1));
  EXPECT_EQ(refusal([&] {
              ordered(forbid(isolated, {4, 5}), "1,5");
            }),
            "CPU 5 of the list is outside the cpuset; in the cpuset: 0-3,6-7");
}

TEST(Placement, AListNamesWhatIsWrongWithIt) {
  EXPECT_EQ(refusal([] { ordered(small(), "0,8"); }), "CPU 8 of the list does not exist; online: 0-7");
  EXPECT_EQ(refusal([] { ordered(small(), "3,0-4"); }), "CPU 3 of the list is named twice; the list: 3,0-4");
  EXPECT_EQ(refusal([] { ordered(recorded("sparse.xml"), "0-3"); }),
            "CPU 3 of the list is offline; online: 0-2,2044-2047");
}

TEST(Placement, AsksForNoMoreThanThereIs) {
  const Layout two = allow_only(small(), std::vector<unsigned>{0, 1});
  EXPECT_EQ(refusal([&] { place(two, {}, 8); }), "8 CPUs asked for, 2 allowed (0-1)");
  EXPECT_EQ(refusal([&] { place(two, parse_placement("0,4,6"), 4); }),
            "4 CPUs asked for, 3 in the list (0,4,6)");
  EXPECT_EQ(refusal([&] { place(forbid(two, {0, 1}), {}, 1); }), "1 CPUs asked for, 0 allowed (none)");
  EXPECT_EQ(refusal([&] { place(two, {}, 0); }), "0 CPUs asked for: at least 1 is needed");
}

TEST(Placement, ReadsBackWhatItWrites) {
  for (std::string_view name : kPlacementNames) EXPECT_EQ(to_string(parse_placement(name)), name);
  EXPECT_EQ(to_string(parse_placement("7,0,1,2")), "7,0-2");
}

TEST(Placement, UnknownNamesAreToldWhatIsKnown) {
  EXPECT_EQ(refusal([] { parse_placement("spread"); }),
            "unknown placement 'spread'; known are compact, scatter, socket, smt-first, smt-last, or a CPU "
            "list like "
            "0,4-7");
  EXPECT_THAT(refusal([] { parse_placement(""); }), HasSubstr("unknown placement ''"));
  EXPECT_THAT(refusal([] { parse_placement("0-"); }), HasSubstr("'0-' is neither a CPU"));
}

}  // namespace
}  // namespace mmscale::topology
