// SPDX-License-Identifier: MIT
#include "topology/leave.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <utility>
#include <vector>

#include "topology/topology.h"

namespace mmscale::topology {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Leave, IsParsed) {
  EXPECT_EQ(parse_leave("2").cores, 2U);
  EXPECT_EQ(parse_leave("2").per, Per::machine);
  EXPECT_EQ(parse_leave("1/package").per, Per::package);
  EXPECT_EQ(parse_leave("3/node").cores, 3U);
  for (const char* text : {"", "/", "-1", "1/", "1/socket", "x", "1 ", "99999999999999999999"})
    EXPECT_THROW(parse_leave(text), std::invalid_argument) << text;
}

TEST(Leave, IsWholeCores) {
  const Topology topology = Topology::synthetic("pack:2 [numa] core:8 pu:2");
  EXPECT_THAT(to_leave(topology.layout(), {.cores = 1}), ElementsAre(0, 1));
  EXPECT_THAT(to_leave(topology.layout(), {.cores = 1, .per = Per::package}), ElementsAre(0, 1, 16, 17));
  EXPECT_THAT(to_leave(topology.layout(), {.cores = 2, .per = Per::node}),
              ElementsAre(0, 1, 2, 3, 16, 17, 18, 19));
  EXPECT_THAT(to_leave(topology.layout(), {}), IsEmpty());
  EXPECT_THROW(to_leave(topology.layout(), {.cores = 16}), std::invalid_argument);
}

TEST(Leave, ByDefaultACoreOfABigMachine) {
  EXPECT_EQ(default_leave(Topology::synthetic("pack:1 core:8 pu:2").layout()).cores, 0U);
  for (const auto& [machine, left] : std::vector<std::pair<const char*, std::vector<unsigned>>>{
           {"pack:1 core:9 pu:2", {0, 1}},                    // 18 CPUs
           {"pack:2 core:12 pu:1", {0}},                      // 24
           {"pack:3 core:1 pu:8", {0, 1, 2, 3, 4, 5, 6, 7}},  // 24 of POWER
           {"pack:2 numa:2 core:8 pu:2", {0, 1}},             // 64
           {"pack:2 numa:2 l3:4 core:12 pu:2", {0, 1}},       // 384
           {"pack:16 numa:2 core:32 pu:4", {0, 1, 2, 3}},     // 4,096
           {"pack:1 core:1 pu:24", {}}}) {                    // a virtual machine that has one core, it says
    const Topology topology = Topology::synthetic(machine);
    EXPECT_EQ(to_leave(topology.layout(), default_leave(topology.layout())), left) << machine;
  }
  // Of a big machine 17 CPUs of a cpuset; and 16.
  const Topology big = Topology::synthetic("pack:2 numa:2 l3:4 core:12 pu:2");
  std::vector<unsigned> some(17);
  std::iota(some.begin(), some.end(), 101);
  Layout of_cpuset = allow_only(big.layout(), some);
  EXPECT_THAT(to_leave(of_cpuset, default_leave(of_cpuset)), ElementsAre(101));
  some.pop_back();
  EXPECT_EQ(default_leave(allow_only(big.layout(), some)).cores, 0U);
}

// One that may not be used is not ours to leave.
TEST(Leave, IsOfThoseThatMayBeUsed) {
  const Topology topology = Topology::synthetic("pack:1 core:8 pu:1");
  EXPECT_THAT(to_leave(allow_only(topology.layout(), std::vector<unsigned>{3, 5, 6}), {.cores = 1}),
              ElementsAre(3));
}

}  // namespace
}  // namespace mmscale::topology
