// SPDX-License-Identifier: MIT
#include "topology/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "topology/machines.h"

namespace mmscale::topology {
namespace {

using testing::HasSubstr;
using testing::Not;

Extras placed(const Layout& layout, std::string_view placement) {
  const Placement parsed = parse_placement(placement);
  return {.quota = std::nullopt, .placed = Placed{parsed, order(layout, parsed)}};
}

TEST(RenderText, Summary) {
  EXPECT_EQ(summary(machine("pack:2 [numa] core:4 pu:2")), "16 CPUs, 8 cores, 2 packages, 2 NUMA nodes");
  EXPECT_EQ(summary(machine("pu:1")), "1 CPU, 1 core, 1 package, 1 NUMA node");
}

TEST(RenderText, WholePage) {
  const Layout layout = recorded("sparse.xml");
  const std::string text = render_text(layout, placed(layout, "scatter"));
  EXPECT_THAT(text, HasSubstr("7 CPUs, 4 cores, 2 packages, 3 NUMA nodes (XML '"));
  EXPECT_EQ(text.substr(text.find('\n') + 1),
            R"(This is not the system we run on: nothing can be bound to these CPUs.

1 package:
  1 LLC:
    1 core of 2 CPUs
    1 core of 1 CPU
1 package:
  1 LLC:
    2 cores of 2 CPUs
not reported by this machine: die

packages:
  0: CPUs 0-2 (3)
  1: CPUs 2044-2047 (4)
NUMA nodes:
  0: 64.0 GiB, CPUs 0-2 (3)
  1: 64.0 GiB, CPUs 2044-2047 (4)
  2: 256.0 GiB, no CPUs

allowed: 0-2,2044-2046 (6)
outside the cpuset: 2047 (1)
offline or outside the cpuset of who wrote it: 3 (1)

6 CPUs of placement scatter, in order of use:
  0,2044,2,2046,1,2045
  seen from the first: 1 smt-sibling, 1 same-llc, 3 other-package
)");
}

TEST(RenderText, NamesNodesWithoutMemoryAndCpusWithoutNode) {
  Layout layout = machine("pack:3 [numa(memory=1073741824)] core:2 pu:1");
  layout.numa_nodes[1].memory_bytes = 0;
  for (NumaNode& node : layout.numa_nodes) node.allowed = false;
  layout.numa_nodes.pop_back();
  for (const unsigned cpu : {4u, 5u}) layout.pus[cpu].numa_node = kNone;
  EXPECT_THAT(render_text(layout), HasSubstr("\n  0: 1.0 GiB, CPUs 0-1 (2), not allowed\n"
                                             "  1: no memory, CPUs 2-3 (2)\n  no node: CPUs 4-5 (2)\n"));
  // All without: nobody said how much.
  layout.numa_nodes[0].memory_bytes = 0;
  EXPECT_THAT(render_text(layout), HasSubstr("\n  1: CPUs 2-3 (2), not allowed\n"));
}

TEST(RenderText, DrawsWhatIsAlikeOnce) {
  EXPECT_THAT(render_text(machine("pack:16 die:2 l3:4 core:8 pu:2")), HasSubstr(R"(
16 packages, each:
  2 dies, each:
    4 LLCs, each:
      8 cores of 2 CPUs
)"));
  EXPECT_THAT(render_text(recorded("hybrid.xml")), HasSubstr(R"(
    2 cores of 2 CPUs, IntelCore
    2 cores of 1 CPU, IntelAtom
)"));
}

TEST(RenderText, BigMachinesFitTheScreen) {
  for (const char* description :
       {"pack:16 [numa] core:12 pu:8", "pack:16 core:32 pu:8", "pack:512 core:1 pu:1"}) {
    const Layout layout = machine(description);
    const std::string text = render_text(layout, placed(layout, "compact"));
    EXPECT_LT(std::ranges::count(text, '\n'), 80) << description;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120u) << line;
  }
}

TEST(RenderText, LongOrdersAreWrappedNotCut) {
  const Layout layout = machine("pack:2 l3:7 core:5 pu:3");
  const std::string text = render_text(layout, placed(layout, "scatter"));
  std::istringstream lines(text.substr(text.find("in order of use")));
  std::string line, items;
  std::getline(lines, line);
  while (std::getline(lines, line) && line.find("seen from") == std::string::npos) {
    EXPECT_LE(line.size(), 110u);
    items += line.substr(2);
  }
  EXPECT_EQ(parse_placement(items).cpus, order(layout, parse_placement("scatter")));
}

TEST(RenderText, SaysWhatIsNotAllowedAndWhy) {
  const std::string text =
      render_text(allow_only(forbid(machine("core:4 pu:1"), {3}), std::vector<unsigned>{0, 3}));
  EXPECT_THAT(text,
              HasSubstr("allowed: 0 (1)\noutside the affinity mask: 1-2 (2)\noutside the cpuset: 3 (1)\n"));
}

TEST(RenderText, ThisSystemIsNotDisowned) {
  Layout layout = machine("core:2 pu:1");
  layout.is_this_system = true;
  EXPECT_THAT(render_text(layout), Not(HasSubstr("nothing can be bound")));
}

TEST(RenderText, Quota) {
  const Layout layout = machine("core:4 pu:1");
  EXPECT_THAT(render_text(layout, {.quota = CpuQuota{}, .placed = std::nullopt}),
              HasSubstr("CPU quota: none\n"));
  EXPECT_THAT(
      render_text(layout, {.quota = CpuQuota{1.5, "file: 3 of 2 us", "stat"}, .placed = std::nullopt}),
      HasSubstr("CPU quota: 1.50 CPUs (file: 3 of 2 us)\n  less than the 4 CPUs allowed"));
  EXPECT_THAT(render_text(layout, {.quota = CpuQuota{8, "file", "stat"}, .placed = std::nullopt}),
              Not(HasSubstr("throttled")));
}

TEST(RenderJson, HasEveryPuAndStableKeys) {
  const Layout layout = recorded("sparse.xml");
  Extras extras = placed(layout, "socket");
  extras.quota = CpuQuota{2, "file", "stat"};
  const auto json = nlohmann::json::parse(render_json(layout, extras));
  EXPECT_EQ(json["is_this_system"], false);
  EXPECT_EQ(json["counts"]["allowed"], 6);
  EXPECT_EQ(json["reported_levels"]["die"], false);
  EXPECT_EQ(json["numa_nodes"][0]["os_index"], 0);
  ASSERT_EQ(json["pus"].size(), 8u);
  EXPECT_EQ(json["pus"][0],
            nlohmann::json::parse(R"({"os_index": 0, "package": 0, "die": 0, "llc": 0, "core": 0,
      "smt": 0, "numa_node": 0, "core_kind": 0, "online": true, "in_cpuset": true, "allowed": true})"));
  EXPECT_TRUE(json["pus"][7]["package"].is_null()) << "offline";
  EXPECT_EQ(json["placement"]["name"], "socket");
  EXPECT_EQ(json["placement"]["cpus"], order(layout, parse_placement("socket")));
  EXPECT_EQ(json["quota"]["cpus"], 2.0);
}

TEST(RenderJson, LeavesOutWhatWasNotAsked) {
  const auto json = nlohmann::json::parse(render_json(machine("pu:2")));
  EXPECT_FALSE(json.contains("quota"));
  EXPECT_FALSE(json.contains("placement"));
}

TEST(RenderJson, UnlimitedIsNull) {
  const auto json =
      nlohmann::json::parse(render_json(machine("pu:2"), {.quota = CpuQuota{}, .placed = std::nullopt}));
  EXPECT_TRUE(json["quota"]["cpus"].is_null());
}

TEST(RenderJson, SourcesNeedNotBeUtf8) {
  Layout layout = machine("pu:1");
  layout.source = "XML '\xff.xml'";
  EXPECT_TRUE(nlohmann::json::accept(render_json(layout)));
}

}  // namespace
}  // namespace mmscale::topology
