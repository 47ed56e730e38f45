// SPDX-License-Identifier: MIT
#include "machine/silicon/home_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "machine/silicon/home_binding.h"
#include "topology/topology.h"

namespace mmscale::machine::silicon {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

unsigned some_node() {
  const topology::Topology host = topology::Topology::host();
  for (const topology::NumaNode& node : host.numa_nodes())
    if (node.allowed && node.memory_bytes != 0) return node.os_index;
  return 0;
}

TEST(HomeMemory, IsWhereItWasAskedFor) {
  const unsigned node = some_node();
  const HomeMemory memory(100, node);
  // Empty where the kernel does not say; never another node.
  EXPECT_EQ(memory.node().value_or(node), node);
}

TEST(HomeMemory, IsWholeZeroedPages) {
  const HomeMemory memory(5000, some_node());
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  EXPECT_EQ(memory.bytes().size(), (5000 + page - 1) / page * page);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.bytes().data()) % page, 0u);
  EXPECT_TRUE(std::all_of(memory.bytes().begin(), memory.bytes().end(),
                          [](std::byte b) { return b == std::byte{}; }));
  std::fill(memory.bytes().begin(), memory.bytes().end(), std::byte{0xff});
}

TEST(HomeMemory, AnImpossibleNodeIsRefusedInOneLine) {
  // Beyond what any kernel is built for (CONFIG_NODES_SHIFT 10).
  try {
    const HomeMemory memory(100, 4095);
    EXPECT_NE(why_unbound(some_node()), "") << "4095 was accepted where memory can be bound";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), AllOf(StartsWith("home node 4095"), Not(HasSubstr("\n"))));
  }
}

TEST(HomeMemory, WhetherItCanBeBoundIsFoundOutOnOnePage) {
  // Where nothing is refused, empty; in a container, what the kernel said of mbind.
  const std::string here = why_unbound(some_node());
  EXPECT_TRUE(here.empty() || here.starts_with("mbind")) << here;
  const std::string nowhere = why_unbound(4095);
  EXPECT_TRUE(nowhere == "home node 4095 has no memory this process may use" || nowhere.starts_with("mbind"))
      << nowhere;
}

TEST(HomeMemory, TooMuchIsRefusedInOneLine) {
  try {
    const HomeMemory memory(std::size_t{1} << 60, some_node());
    FAIL() << "an exbibyte was granted";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("1152921504606846976 bytes"), Not(HasSubstr("\n"))));
  }
}

}  // namespace
}  // namespace mmscale::machine::silicon
