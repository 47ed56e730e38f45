// SPDX-License-Identifier: MIT
#include "topology/quota.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "topology/temporary_tree.h"

namespace mmscale::topology {
namespace {

using testing::HasSubstr;

// A fake root with one line per mounted hierarchy.
class Quota : public testing::Test {
 protected:
  void v2(const std::string& cgroup, const std::string& mounted = "/") {
    mounts_ += "31 23 0:28 " + mounted + " /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    cgroups_ += "0::" + cgroup + "\n";
  }
  void v1(const std::string& cgroup, const std::string& mounted = "/") {
    mounts_ += "40 23 0:30 " + mounted + " /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n";
    mounts_ += "41 23 0:31 " + mounted + " /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";
    cgroups_ += "5:cpuset:/elsewhere\n4:cpu,cpuacct:" + cgroup + "\n";
  }
  CpuQuota read() {
    tree_.write("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda rw\n" + mounts_);
    tree_.write("proc/self/cgroup", cgroups_);
    return read_cpu_quota(tree_.root());
  }
  std::filesystem::path under(const std::string& path) const { return tree_.root() / path; }

  TemporaryTree tree_;
  std::string mounts_, cgroups_;
};

void expect_unlimited(const CpuQuota& quota) {
  EXPECT_EQ(quota.cpus, std::nullopt);
  EXPECT_EQ(quota.source, "");
  EXPECT_EQ(quota.stat_path, "");
}

TEST_F(Quota, NoCgroupsNoLimit) {
  expect_unlimited(read());
  expect_unlimited(read_cpu_quota(tree_.root() / "nowhere"));
}

TEST_F(Quota, V2) {
  v2("/app");
  tree_.write("sys/fs/cgroup/app/cpu.max", "150000 100000");
  const CpuQuota quota = read();
  EXPECT_DOUBLE_EQ(quota.cpus.value(), 1.5);
  EXPECT_EQ(quota.source, under("sys/fs/cgroup/app/cpu.max").string() + ": 150000 of 100000 us");
  EXPECT_EQ(quota.stat_path, under("sys/fs/cgroup/app/cpu.stat"));
}

TEST_F(Quota, V2MaxIsNoLimit) {
  v2("/app");
  tree_.write("sys/fs/cgroup/app/cpu.max", "max 100000");
  expect_unlimited(read());
}

TEST_F(Quota, V2TheTightestAncestorWins) {
  v2("/a/b/c");
  tree_.write("sys/fs/cgroup/a/cpu.max", "400000 100000");
  tree_.write("sys/fs/cgroup/a/b/cpu.max", "20000 10000");
  tree_.write("sys/fs/cgroup/a/b/c/cpu.max", "max 100000");
  const CpuQuota quota = read();
  EXPECT_DOUBLE_EQ(quota.cpus.value(), 2);
  EXPECT_EQ(quota.stat_path, under("sys/fs/cgroup/a/b/cpu.stat"));
}

TEST_F(Quota, V2InAContainerWithItsOwnNamespace) {
  v2("/");
  tree_.write("sys/fs/cgroup/cpu.max", "50000 100000");
  EXPECT_DOUBLE_EQ(read().cpus.value(), 0.5);
}

TEST_F(Quota, V2OnlyPartOfTheHierarchyIsMounted) {
  v2("/docker/4711/job", "/docker/4711");
  tree_.write("sys/fs/cgroup/cpu.max", "300000 100000");
  tree_.write("sys/fs/cgroup/job/cpu.max", "100000 100000");
  EXPECT_DOUBLE_EQ(read().cpus.value(), 1);
}

TEST_F(Quota, V2OwnCgroupOutsideWhatIsMounted) {
  v2("/../elsewhere", "/docker/4711");
  tree_.write("sys/fs/cpu.max", "100000 100000");  // where the path would lead if it were followed
  tree_.write("sys/fs/cgroup/cpu.max", "300000 100000");
  EXPECT_DOUBLE_EQ(read().cpus.value(), 3);
}

TEST_F(Quota, V1) {
  v1("/docker/4711");
  tree_.write("sys/fs/cgroup/cpu,cpuacct/docker/4711/cpu.cfs_quota_us", "250000");
  tree_.write("sys/fs/cgroup/cpu,cpuacct/docker/4711/cpu.cfs_period_us", "100000");
  const CpuQuota quota = read();
  EXPECT_DOUBLE_EQ(quota.cpus.value(), 2.5);
  EXPECT_THAT(quota.source, HasSubstr("cpu.cfs_quota_us: 250000 of 100000 us"));
  EXPECT_EQ(quota.stat_path, under("sys/fs/cgroup/cpu,cpuacct/docker/4711/cpu.stat"));
}

TEST_F(Quota, V1MinusOneIsNoLimit) {
  v1("/");
  tree_.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1");
  tree_.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  expect_unlimited(read());
}

TEST_F(Quota, BothVersionsMountedTheTighterWins) {
  v2("/unlimited");
  v1("/limited");
  tree_.write("sys/fs/cgroup/unlimited/cpu.max", "max 100000");
  tree_.write("sys/fs/cgroup/cpu,cpuacct/limited/cpu.cfs_quota_us", "100000");
  tree_.write("sys/fs/cgroup/cpu,cpuacct/limited/cpu.cfs_period_us", "50000");
  EXPECT_DOUBLE_EQ(read().cpus.value(), 2);
}

TEST_F(Quota, PathsWithBlanksAndColons) {
  mounts_ = "31 23 0:28 / /sys/fs/c\\040group rw - cgroup2 cgroup2 rw\n";
  cgroups_ = "0::/a b:c\n";
  tree_.write("sys/fs/c group/a b:c/cpu.max", "700000 100000");
  EXPECT_DOUBLE_EQ(read().cpus.value(), 7);
}

TEST_F(Quota, RubbishIsNoLimit) {
  v2("/app");
  for (const char* text : {"", "many", "100000", "100000 0", "-5 100000"}) {
    tree_.write("sys/fs/cgroup/app/cpu.max", text);
    expect_unlimited(read());
  }
}

TEST(QuotaOfThisHost, CanBeRead) {
  const CpuQuota quota = read_cpu_quota();
  EXPECT_EQ(quota.cpus.has_value(), !quota.stat_path.empty());
  EXPECT_GT(quota.cpus.value_or(1), 0);
}

TEST_F(Quota, MemoryIsWhatTheTightestLimitLeaves) {
  v2("/app/part");
  read();
  EXPECT_EQ(read_memory_left(tree_.root()), std::nullopt);
  tree_.write("sys/fs/cgroup/app/memory.max", "1000000");
  tree_.write("sys/fs/cgroup/app/memory.current", "400000");
  tree_.write("sys/fs/cgroup/app/part/memory.max", "max");
  tree_.write("sys/fs/cgroup/app/part/memory.current", "100000");
  EXPECT_EQ(read_memory_left(tree_.root()), 600000u);
  tree_.write("sys/fs/cgroup/app/part/memory.max", "150000");
  EXPECT_EQ(read_memory_left(tree_.root()), 50000u);
  tree_.write("sys/fs/cgroup/app/part/memory.current", "160000");
  EXPECT_EQ(read_memory_left(tree_.root()), 0u);
}

}  // namespace
}  // namespace mmscale::topology
