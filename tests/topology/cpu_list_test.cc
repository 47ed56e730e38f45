// SPDX-License-Identifier: MIT
#include "topology/cpu_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace mmscale::topology {
namespace {

using testing::ElementsAre;

TEST(CpuList, ReadsWhatTasksetReads) {
  EXPECT_THAT(parse_cpu_list("0"), ElementsAre(0));
  EXPECT_THAT(parse_cpu_list("0,4-7"), ElementsAre(0, 4, 5, 6, 7));
  EXPECT_THAT(parse_cpu_list("0-7:3"), ElementsAre(0, 3, 6));
  EXPECT_THAT(parse_cpu_list("1024-1026,65536"), ElementsAre(1024, 1025, 1026, 65536));
}

TEST(CpuList, KeepsOrderAndDuplicates) { EXPECT_THAT(parse_cpu_list("3,1-2,3"), ElementsAre(3, 1, 2, 3)); }

TEST(CpuList, RefusesWhatIsNoList) {
  for (const char* text :
       {"",     ",",  "1,", ",1", "a",          "1a",           "-1",      "1-",   "3-1",   "0-4:0",
        "0-4:", " 1", "1 ", "+1", "4294967296", "0-4294967295", "1048576", "1--2", "1-2-3", "0x1"}) {
    EXPECT_THROW(parse_cpu_list(text), std::invalid_argument) << '\'' << text << '\'';
  }
}

TEST(CpuList, WritesRangesAndStrides) {
  const auto format = [](std::vector<unsigned> cpus) { return format_cpu_list(cpus); };
  EXPECT_EQ(format({}), "");
  EXPECT_EQ(format({5}), "5");
  EXPECT_EQ(format({0, 1}), "0-1");
  EXPECT_EQ(format({0, 1, 2, 3, 8}), "0-3,8");
  EXPECT_EQ(format({0, 2, 4, 6}), "0-6:2");
  EXPECT_EQ(format({0, 4, 5, 6}), "0,4-6");
  EXPECT_EQ(format({3, 2, 1}), "3,2,1");
  EXPECT_EQ(format({7, 7}), "7,7");
}

TEST(CpuList, CutsWhatWouldNotFitALine) {
  const std::vector<unsigned> cpus{0, 3, 5, 9, 10, 20};
  EXPECT_EQ(format_cpu_list(cpus, 3), "0,3,5,... (6 CPUs)");
  EXPECT_EQ(format_cpu_list(cpus, 5), "0,3,5,9-10,20");
}

TEST(CpuList, ReadsBackWhateverItWrites) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<unsigned> cpus(1 + random() % 40);
    for (unsigned& cpu : cpus) cpu = random() % 12;
    EXPECT_EQ(parse_cpu_list(format_cpu_list(cpus)), cpus);
  }
}

}  // namespace
}  // namespace mmscale::topology
