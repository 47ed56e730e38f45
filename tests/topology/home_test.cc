// SPDX-License-Identifier: MIT
#include "topology/home.h"

#include <gtest/gtest.h>

#include "topology/machines.h"
#include "topology/temporary_tree.h"

namespace mmscale::topology {
namespace {

// Four nodes; those named have no memory.
Layout without_memory(std::initializer_list<unsigned> nodes) {
  Layout layout = machine("pack:4 [numa(memory=1073741824)] core:2 pu:1");
  for (const unsigned node : nodes) layout.numa_nodes[node].memory_bytes = 0;
  return layout;
}

class NearestMemory : public testing::Test {
 protected:
  NearestMemory() {
    tree_.write("sys/devices/system/node/online", "0-3");
    tree_.write("sys/devices/system/node/node1/distance", "32 10 20 12");
  }
  unsigned nearest(const Layout& layout, unsigned wanted) {
    return nearest_memory(layout, wanted, tree_.root());
  }
  TemporaryTree tree_;
};

TEST_F(NearestMemory, IsTheNodeItselfIfItHasAny) {
  EXPECT_EQ(nearest(without_memory({}), 1), 1u);
  EXPECT_EQ(nearest(without_memory({0, 2}), 1), 1u);
}

TEST_F(NearestMemory, IsTheNextByTheFirmwaresDistances) {
  EXPECT_EQ(nearest(without_memory({1}), 1), 3u);
  EXPECT_EQ(nearest(without_memory({1, 3}), 1), 2u);
}

TEST_F(NearestMemory, MustBeAllowedToo) {
  Layout layout = without_memory({1});
  layout.numa_nodes[3].allowed = false;
  EXPECT_EQ(nearest(layout, 1), 2u);
}

TEST_F(NearestMemory, WithoutDistancesIsTheLowestNumber) {
  EXPECT_EQ(nearest(without_memory({2}), 2), 0u);
  EXPECT_EQ(nearest(without_memory({0, 2}), 2), 1u);
  EXPECT_EQ(nearest(without_memory({0}), kNone), 1u) << "a CPU of no node";
}

TEST_F(NearestMemory, WhereNobodySaysHowMuchEveryNodeHasSome) {
  EXPECT_EQ(nearest(without_memory({0, 1, 2, 3}), 2), 2u);
  Layout none = machine("pu:2");
  none.numa_nodes.clear();
  EXPECT_EQ(nearest(none, kNone), 0u);
}

}  // namespace
}  // namespace mmscale::topology
