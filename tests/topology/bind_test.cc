// SPDX-License-Identifier: MIT
#include "topology/bind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "topology/machines.h"
#include "topology/temporary_tree.h"

namespace mmscale::topology {
namespace {

using testing::HasSubstr;

// On a thread of its own, so that the test's thread stays free.
std::string outcome_of_binding(const Topology& topology, unsigned os_index) {
  std::string outcome;
  std::thread([&] {
    try {
      bind_this_thread(topology, os_index);
      outcome = current_pu() == os_index ? "bound" : "elsewhere";
    } catch (const BindError& error) {
      outcome = error.what();
    }
  }).join();
  return outcome;
}

TEST(Bind, PinsToEveryAllowedPu) {
  const Topology host = Topology::host();
  for (unsigned cpu : list(host.layout(), &Pu::allowed)) EXPECT_EQ(outcome_of_binding(host, cpu), "bound");
}

TEST(Bind, RebindsAThread) {
  const Topology host = Topology::host();
  std::thread([&] {
    for (unsigned cpu : list(host.layout(), &Pu::allowed)) {
      bind_this_thread(host, cpu);
      EXPECT_EQ(current_pu(), cpu);
    }
  }).join();
}

TEST(Bind, APinnedThreadDoesNotShrinkWhatIsAllowed) {
  const Topology before = Topology::host();
  std::thread([&] {
    bind_this_thread(before, list(before.layout(), &Pu::allowed).back());
    EXPECT_EQ(list(Topology::host().layout(), &Pu::allowed), list(before.layout(), &Pu::allowed));
  }).join();
}

TEST(Bind, RefusesATopologyThatIsNotThisSystem) {
  EXPECT_EQ(outcome_of_binding(Topology::synthetic("pack:16 core:12 pu:8"), 0),
            "cannot bind to CPU 0: the topology is not this system but synthetic 'pack:16 core:12 pu:8'");
  EXPECT_THAT(outcome_of_binding(Topology::from_xml(MMSCALE_TESTDATA "/sparse.xml"), 0),
              HasSubstr("the topology is not this system but XML"));
}

TEST(Bind, RefusesACpuThatDoesNotExist) {
  EXPECT_THAT(outcome_of_binding(Topology::host(), 1u << 19), HasSubstr("it does not exist; online: "));
}

// HWLOC_THISSYSTEM makes hwloc take any topology for the host's: then it is the kernel that must say no.
TEST(Bind, ReportsWhatTheKernelRefuses) {
  ScopedEnvironment claim("HWLOC_THISSYSTEM", "1");
  const Topology claimed = Topology::synthetic("core:2 pu:1(indexes=0,29999)");
  ASSERT_TRUE(claimed.is_this_system());
  EXPECT_THAT(outcome_of_binding(claimed, 29999),
              HasSubstr("cannot bind to CPU 29999: it is offline, outside the cpuset or not there"));
  EXPECT_FALSE(find(claimed.layout(), 29999)->allowed);
}

TEST(Bind, RefusesAnOfflineCpu) {
  ScopedEnvironment claim("HWLOC_THISSYSTEM", "1");
  EXPECT_EQ(outcome_of_binding(Topology::from_xml(MMSCALE_TESTDATA "/sparse.xml"), 3),
            "cannot bind to CPU 3: it is offline");
}

}  // namespace
}  // namespace mmscale::topology
