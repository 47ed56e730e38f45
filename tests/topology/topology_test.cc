// SPDX-License-Identifier: MIT
#include "topology/topology.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hwloc/export.h>

#include <set>
#include <type_traits>

#include "topology/believe_affinity.h"
#include "topology/bitmap.h"
#include "topology/machines.h"
#include "topology/placement.h"
#include "topology/temporary_tree.h"

namespace mmscale::topology {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

static_assert(std::is_move_constructible_v<Topology> && !std::is_copy_constructible_v<Topology>);

std::string refusal_of_xml(const std::filesystem::path& path) {
  try {
    Topology::from_xml(path);
  } catch (const TopologyError& error) {
    return error.what();
  }
  return "";
}

TEST(Topology, CountsWhatASyntheticMachineHas) {
  const Counts counts = count(machine("pack:2 [numa] die:2 l3:2 core:4 pu:2"));
  EXPECT_EQ(counts.packages, 2u);
  EXPECT_EQ(counts.dies, 4u);
  EXPECT_EQ(counts.llcs, 8u);
  EXPECT_EQ(counts.cores, 32u);
  EXPECT_EQ(counts.pus, 64u);
  EXPECT_EQ(counts.online, 64u);
  EXPECT_EQ(counts.allowed, 64u);
  EXPECT_EQ(counts.numa_nodes, 2u);
}

TEST(Topology, PlacesEachPu) {
  const Layout layout = machine("pack:2 [numa] die:2 l3:2 core:4 pu:2");
  const Pu expected{.os_index = 63, .core = 31, .package = 1, .die = 3, .llc = 7, .numa_node = 1, .smt = 1};
  EXPECT_EQ(*find(layout, 63), expected);
  EXPECT_EQ(find(layout, 64), nullptr);
}

TEST(Topology, FourThousandCpus) {
  const Topology topology = Topology::synthetic("pack:16 core:32 pu:8");
  EXPECT_EQ(topology.pus().size(), 4096u);
  EXPECT_EQ(find(topology.layout(), 4095)->package, 15u);
  EXPECT_FALSE(topology.is_this_system());
}

TEST(Topology, OsIndexesMayHaveHolesAndPass1023) {
  const Layout layout = machine("pack:2 core:2 pu:2(indexes=0,4,2,6,1040,1041,8000,9000)");
  EXPECT_THAT(list(layout, &Pu::online), ElementsAre(0, 2, 4, 6, 1040, 1041, 8000, 9000));
  EXPECT_EQ(find(layout, 4)->core, find(layout, 0)->core);
  EXPECT_EQ(find(layout, 9000)->package, 1u);
  EXPECT_EQ(find(layout, 1), nullptr);
}

TEST(Topology, MissingLevelsHaveStandIns) {
  const Layout bare = machine("pu:4");
  EXPECT_EQ(bare.reported, (Levels{.package = false, .die = false, .llc = false, .core = false}));
  EXPECT_EQ(count(bare).packages, 1u) << "the machine is one package";
  EXPECT_EQ(count(bare).dies, 1u) << "a package is one die";
  EXPECT_EQ(count(bare).cores, 4u) << "a PU has no siblings";
  EXPECT_EQ(count(bare).llcs, 4u) << "no cache is shared";
  EXPECT_EQ(count(machine("pack:3 core:2 pu:2")).dies, 3u);
  EXPECT_EQ(count(machine("pack:3 core:2 pu:2")).llcs, 6u);
}

TEST(Topology, TheOutermostCacheIsTheLastLevel) {
  EXPECT_EQ(count(machine("pack:1 l3:2 l2:2 core:2 pu:1")).llcs, 2u);
  EXPECT_EQ(count(machine("pack:1 l2:4 core:2 pu:1")).llcs, 4u);
  EXPECT_FALSE(machine("pack:1 l1:4 core:1 pu:1").reported.llc) << "an L1 is nobody's last level";
}

TEST(Topology, ACacheIsAPackagesOwnAtMost) {
  const Layout layout = machine("l3:1 pack:2 core:2 pu:1");
  EXPECT_EQ(count(layout).llcs, 2u);
  EXPECT_NE(find(layout, 0)->llc, find(layout, 2)->llc);
  EXPECT_THAT(layout.source, HasSubstr("; a cache is reported to span packages"));
  EXPECT_THAT(machine("pack:2 l3:1 core:2 pu:1").source, Not(HasSubstr(";")));
}

TEST(Topology, LevelsThatHoldTheSamePusStayApart) {
  const Layout layout = machine("pack:2 die:1 l3:1 core:1 pu:1");
  // hwloc 2.12 leaves dies out where each is a whole package, which then stands for it.
  Levels reported = layout.reported;
  reported.die = true;
  EXPECT_EQ(reported, Levels{});
  EXPECT_EQ(count(layout).dies, 2u);
  EXPECT_EQ(count(layout).cores, 2u);
}

TEST(Topology, XmlTellsOfOfflineForbiddenAndCpulessParts) {
  const Layout layout = recorded("sparse.xml");
  EXPECT_FALSE(layout.is_this_system);
  EXPECT_THAT(list(layout, &Pu::online), ElementsAre(0, 1, 2, 2044, 2045, 2046, 2047));
  EXPECT_THAT(list(layout, &Pu::allowed), ElementsAre(0, 1, 2, 2044, 2045, 2046));
  const Pu offline{.os_index = 3, .online = false, .in_cpuset = false, .allowed = false};
  EXPECT_EQ(*find(layout, 3), offline);
  EXPECT_EQ(layout.pus.back(), offline);
  EXPECT_EQ(find(layout, 2047)->numa_node, 1u);
  EXPECT_FALSE(find(layout, 2047)->in_cpuset);
  EXPECT_THAT(layout.numa_nodes,
              ElementsAre(NumaNode{.os_index = 0, .memory_bytes = 64ull << 30},
                          NumaNode{.os_index = 1, .memory_bytes = 64ull << 30},
                          NumaNode{.os_index = 2, .memory_bytes = 256ull << 30, .has_cpus = false}));
}

TEST(Topology, XmlTellsOfCoreKinds) {
  const Layout layout = recorded("hybrid.xml");
  EXPECT_TRUE(layout.core_kinds_ranked);
  EXPECT_THAT(layout.core_kinds, ElementsAre(CoreKind{"IntelCore"}, CoreKind{"IntelAtom"}));
  EXPECT_EQ(find(layout, 3)->core_kind, 0u);
  EXPECT_EQ(find(layout, 4)->core_kind, 1u);
  EXPECT_EQ(count(layout).cores, 4u);
  EXPECT_EQ(count(layout).llcs, 1u);
}

TEST(Topology, BoundsWhatHwlocWouldTakeForEverOver) {
  const auto refusal = [](const std::string& description) -> std::string {
    try {
      Topology::synthetic(description);
    } catch (const TopologyError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal("pack:1 core:8192 pu:2"), HasSubstr("8192 in one object, 1024 are the most"));
  EXPECT_THAT(refusal("pack:64 [numa] core:64 pu:4"), HasSubstr("16384 CPUs or more, 8192 are the most"));
  EXPECT_THAT(refusal("64 64 64 64"), HasSubstr("CPUs or more"));
  EXPECT_THAT(refusal("pack:99999999999999999999 pu:1"), HasSubstr("in one object"));
  EXPECT_THAT(refusal("pu:2(indexes=0,4000000000)"),
              HasSubstr("the number 4000000000, 65535 is the largest"));
  // Sizes and memory are no CPUs.
  EXPECT_EQ(refusal("pack:2 [numa(memory=1099511627776)] l3:1(size=33554432) core:2 pu:2(indexes=4*2:2*1)"),
            "");
}

TEST(Topology, AnXmlOfTooLargeAMachineIsRefused) {
  TemporaryTree tree;
  const std::string file = tree.root() / "machine.xml";
  for (const unsigned index : {65535u, 65536u}) {
    hwloc_topology_t raw = nullptr;
    ASSERT_EQ(hwloc_topology_init(&raw), 0);
    ASSERT_EQ(hwloc_topology_set_synthetic(raw, fmt::format("pu:2(indexes=0,{})", index).c_str()), 0);
    ASSERT_EQ(hwloc_topology_load(raw), 0);
    ASSERT_EQ(hwloc_topology_export_xml(raw, file.c_str(), 0), 0);
    hwloc_topology_destroy(raw);
    EXPECT_EQ(refusal_of_xml(file).find("a number above 65535") != std::string::npos, index > 65535) << index;
  }
}

TEST(Topology, SurvivesTheWayThroughXml) {
  TemporaryTree tree;
  const std::string file = tree.root() / "machine.xml";
  const Topology original = Topology::synthetic("pack:4 [numa] l3:2 core:3 pu:2");
  hwloc_cpukinds_register(original.native(), Bitmap(7).get(), 1, 0, nullptr, 0);
  ASSERT_EQ(hwloc_topology_export_xml(original.native(), file.c_str(), 0), 0);
  Layout loaded = Topology::from_xml(file).layout();
  EXPECT_THAT(loaded.source, HasSubstr("machine.xml"));
  EXPECT_THAT(loaded.core_kinds, ElementsAre(CoreKind{"kind 0"}, CoreKind{"unknown"}));
  EXPECT_EQ(find(loaded, 7)->core_kind, 0u);
  EXPECT_EQ(find(loaded, 8)->core_kind, 1u) << "a PU of no kind";

  loaded.source = original.layout().source;
  loaded.core_kinds.clear();
  loaded.core_kinds_ranked = false;
  for (Pu& pu : loaded.pus) pu.core_kind = 0;
  EXPECT_EQ(loaded, original.layout());
}

TEST(Topology, BelievesTheAffinityMaskOverTheListOfOnlineCpus) {
  // As without /sys, and as lxcfs shows a container on one CPU: this process runs where nothing is listed.
  Layout layout = machine("pack:1 core:1 pu:1(indexes=7)");
  Bitmap affinity;
  for (const unsigned cpu : {5u, 7u, 2000u}) hwloc_bitmap_set(affinity.get(), cpu);
  believe_affinity(affinity, layout);
  EXPECT_THAT(list(layout, &Pu::allowed), ElementsAre(5, 7, 2000));
  EXPECT_EQ(count(layout).cores, 3u) << "nothing is known to be shared";
  EXPECT_EQ(find(layout, 5)->numa_node, kNone);
  EXPECT_THAT(layout.source, HasSubstr("; CPU 5,2000 are not listed as online"));
  EXPECT_EQ(order(layout, parse_placement("compact")), (std::vector<unsigned>{7, 5, 2000}));
  const std::string source = layout.source;
  believe_affinity(affinity, layout);
  EXPECT_EQ(layout.source, source) << "all are listed now";
}

TEST(Topology, RefusesXmlInOneLine) {
  TemporaryTree tree;
  EXPECT_THAT(refusal_of_xml(tree.root() / "none.xml"), HasSubstr("none.xml': cannot be read: No such file"));
  EXPECT_THAT(refusal_of_xml(tree.root()), HasSubstr("is a directory"));
  EXPECT_THAT(refusal_of_xml(tree.write("bad.xml", "<topology")),
              HasSubstr("not a topology that hwloc can read"));
  EXPECT_THAT(refusal_of_xml(tree.write("bad.xml", "<topology")), HasSubstr("lstopo machine.xml"));
  EXPECT_THAT(refusal_of_xml(tree.write("empty.xml", "")), HasSubstr("not a topology that hwloc can read"));
  EXPECT_THAT(refusal_of_xml(
                  tree.write("new.xml", "<?xml version=\"1.0\"?>\n<topology version=\"3.0\">\n</topology>")),
              HasSubstr("written by hwloc 3"));
}

TEST(Topology, RefusesSyntheticDescriptionsInOneLine) {
  for (const char* description : {"", "nonsense", "pack:2", "pack:0 pu:2", "pu:2 core:2"}) {
    try {
      Topology::synthetic(description);
      ADD_FAILURE() << description;
    } catch (const TopologyError& error) {
      EXPECT_THAT(error.what(),
                  HasSubstr(std::string("synthetic topology '") + description + "' is not valid"));
    }
  }
}

TEST(Host, IsThisSystemAndAllowsSomething) {
  const Topology host = Topology::host();
  EXPECT_TRUE(host.is_this_system());
  const auto allowed = list(host.layout(), &Pu::allowed);
  EXPECT_FALSE(allowed.empty());
  for (const Pu& pu : host.pus()) EXPECT_TRUE(!pu.allowed || (pu.online && pu.in_cpuset));
}

// As under `taskset -c`, which sets the mask before the program starts.
TEST(Host, AllowsOnlyTheAffinityMask) {
  const Topology before = Topology::host();
  const unsigned last = list(before.layout(), &Pu::allowed).back();
  Bitmap everything;
  ASSERT_EQ(hwloc_get_cpubind(before.native(), everything.get(), HWLOC_CPUBIND_PROCESS), 0);
  ASSERT_EQ(hwloc_set_cpubind(before.native(), Bitmap(last).get(), HWLOC_CPUBIND_PROCESS), 0);
  const Topology confined = Topology::host();
  ASSERT_EQ(hwloc_set_cpubind(before.native(), everything.get(), HWLOC_CPUBIND_PROCESS), 0);
  EXPECT_THAT(list(confined.layout(), &Pu::allowed), ElementsAre(last));
  EXPECT_EQ(list(confined.layout(), &Pu::in_cpuset), list(before.layout(), &Pu::in_cpuset));
}

// hwloc reads a copy of /sys: two packages of two cores, ids beyond 1,023, CPU 3 offline.
TEST(Host, ReadsWhatLinuxSaysOfHolesAndOfflineCpus) {
  TemporaryTree tree;
  const std::filesystem::path cpus = "sys/devices/system/cpu";
  tree.write(cpus / "online", "0-2,2044-2047");
  tree.write(cpus / "possible", "0-4095");
  tree.write(cpus / "cpu3/online", "0");
  const auto mask = [](unsigned high, unsigned low) {
    std::string words = fmt::format("{:08x}", high);
    for (int i = 0; i < 62; ++i) words += ",00000000";
    return words + fmt::format(",{:08x}", low);
  };
  const auto online = [&](unsigned cpu, const char* package, const char* core, const std::string& siblings,
                          const std::string& neighbours) {
    const std::filesystem::path directory = cpus / fmt::format("cpu{}", cpu);
    tree.write(directory / "online", "1");
    tree.write(directory / "topology/physical_package_id", package);
    tree.write(directory / "topology/core_id", core);
    tree.write(directory / "topology/core_cpus", siblings);
    tree.write(directory / "topology/package_cpus", neighbours);
  };
  for (unsigned cpu : {0u, 1u}) online(cpu, "0", "0", mask(0, 0x3), mask(0, 0x7));
  online(2, "0", "1", mask(0, 0x4), mask(0, 0x7));
  for (unsigned cpu : {2044u, 2045u}) online(cpu, "1", "0", mask(0x30000000, 0), mask(0xf0000000, 0));
  for (unsigned cpu : {2046u, 2047u}) online(cpu, "1", "1", mask(0xc0000000, 0), mask(0xf0000000, 0));

  ScopedEnvironment elsewhere("HWLOC_FSROOT", tree.root());
  const Layout layout = Topology::host().layout();
  EXPECT_FALSE(layout.is_this_system);
  EXPECT_THAT(list(layout, &Pu::online), ElementsAre(0, 1, 2, 2044, 2045, 2046, 2047));
  ASSERT_NE(find(layout, 3), nullptr);
  EXPECT_FALSE(find(layout, 3)->online);
  EXPECT_EQ(count(layout).packages, 2u);
  EXPECT_EQ(count(layout).cores, 4u);
  EXPECT_EQ(find(layout, 2047)->smt, 1u);
  EXPECT_FALSE(layout.reported.llc)
      << "nothing but what Linux said, thus nothing of the CPU this test runs on";
}

}  // namespace
}  // namespace mmscale::topology
