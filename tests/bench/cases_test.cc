// SPDX-License-Identifier: MIT
//
// What the families make of a choice, on machines nobody owns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bench/families.h"
#include "topology/topology.h"

namespace mmscale::bench {
namespace {

using testing::ElementsAre;

class Cases : public testing::Test {
 protected:
  Cases() : topology_(topology::Topology::synthetic("pack:2 [numa] core:2 pu:2")) {
    choice_.workloads = {"idle"};
    choice_.schemes = {"refcount", "shootdown"};
    choice_.sharings = {topology::parse_sharing("all")};
    choice_.placements = {topology::parse_placement("compact")};
    choice_.cpu_counts = {2};
    choice_.transport = "doorbell";
  }
  std::vector<std::string> names(std::vector<Case> (*family)(const topology::Layout&, const Choice&)) const {
    std::vector<std::string> names;
    for (const Case& c : family(topology_.layout(), choice_)) names.push_back(c.name);
    return names;
  }

  topology::Topology topology_;
  Choice choice_;
};

TEST_F(Cases, HaveStableNames) {
  EXPECT_THAT(names(switch_cases), ElementsAre("switch/idle/refcount/all/compact/cpus:2",
                                               "switch/idle/shootdown/all/compact/cpus:2"));
  const auto floor = std::ranges::find(families(), "floor", &Family::name);
  EXPECT_THAT(names(floor->cases), ElementsAre("floor/empty/compact/cpus:2", "floor/private/compact/cpus:2",
                                               "floor/incdec/compact/cpus:2", "floor/fence/compact/cpus:2"));
}

TEST_F(Cases, NameNumbersAndLists) {
  choice_.schemes = {"refcount"};
  choice_.sharings = {topology::parse_sharing("2")};
  choice_.placements = {topology::parse_placement("4,0-1")};
  choice_.cpu_counts = {3};
  EXPECT_THAT(names(switch_cases), ElementsAre("switch/idle/refcount/2/4,0-1/cpus:3"));
}

TEST_F(Cases, AreEveryCombinationWithTheSchemesSideBySide) {
  choice_.workloads = {"idle", "exit"};
  choice_.cpu_counts = {1, 8};
  EXPECT_THAT(
      names(switch_cases),
      ElementsAre("switch/idle/refcount/all/compact/cpus:1", "switch/idle/shootdown/all/compact/cpus:1",
                  "switch/idle/refcount/all/compact/cpus:8", "switch/idle/shootdown/all/compact/cpus:8",
                  "switch/exit/refcount/all/compact/cpus:1", "switch/exit/shootdown/all/compact/cpus:1",
                  "switch/exit/refcount/all/compact/cpus:8", "switch/exit/shootdown/all/compact/cpus:8"));
}

TEST_F(Cases, SayWhatIsRunWhere) {
  choice_.placements = {topology::parse_placement("4,5")};
  choice_.settings.processes.think = 7;
  choice_.settings.options.rq_lock = true;
  const measure::Subject subject = switch_cases(topology_.layout(), choice_)[0].subject;
  EXPECT_EQ(subject.family, "switch");
  EXPECT_EQ(subject.workload, "idle");
  EXPECT_EQ(subject.scheme, "refcount");
  EXPECT_EQ(subject.transport, "doorbell");
  EXPECT_EQ(subject.settings.processes.think, 7u);
  EXPECT_TRUE(subject.settings.options.rq_lock);
  EXPECT_THAT(subject.pus, ElementsAre(4, 5));
  EXPECT_EQ(subject.home_node, 1u) << "the node of the first CPU";
  choice_.home_node = 0;
  EXPECT_EQ(switch_cases(topology_.layout(), choice_)[0].subject.home_node, 0u) << "as asked for";
}

TEST(Families, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  std::vector<std::string_view> by_default;
  for (const Family& family : families()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_FALSE(family.what.empty());
    EXPECT_NE(family.cases, nullptr);
    if (family.by_default) by_default.push_back(family.name);
  }
  EXPECT_THAT(by_default, ElementsAre("switch", "floor"));
}

}  // namespace
}  // namespace mmscale::bench
