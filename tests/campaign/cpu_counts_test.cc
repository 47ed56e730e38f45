// SPDX-License-Identifier: MIT
#include "campaign/cpu_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace mmscale::campaign {
namespace {

using testing::ElementsAre;

TEST(OctaveCounts, OfSmallMachinesAreAllOfThem) {
  EXPECT_THAT(octave_counts(1), ElementsAre(1));
  EXPECT_THAT(octave_counts(2), ElementsAre(1, 2));
  EXPECT_THAT(octave_counts(16), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16));
}

TEST(OctaveCounts, EndWithAllWhateverTheStep) {
  EXPECT_THAT(octave_counts(17), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17));
  EXPECT_THAT(octave_counts(48), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20,
                                             22, 24, 26, 28, 30, 32, 36, 40, 44, 48));
}

TEST(OctaveCounts, FewerPerOctave) {
  EXPECT_THAT(octave_counts(16, 1), ElementsAre(1, 2, 4, 8, 16));
  EXPECT_THAT(octave_counts(48, 1), ElementsAre(1, 2, 4, 8, 16, 32, 48));
  EXPECT_THAT(octave_counts(16, 2), ElementsAre(1, 2, 3, 4, 6, 8, 12, 16));
  EXPECT_THAT(octave_counts(384, 1), ElementsAre(1, 2, 4, 8, 16, 32, 64, 128, 256, 384));
}

TEST(OctaveCounts, OfBigMachinesAreEightPerDoubling) {
  for (const unsigned all : {384u, 1536u, 4096u}) {
    const std::vector<unsigned> counts = octave_counts(all);
    EXPECT_EQ(counts.front(), 1u);
    EXPECT_EQ(counts.back(), all);
    EXPECT_TRUE(std::is_sorted(counts.begin(), counts.end()));
    EXPECT_EQ(std::adjacent_find(counts.begin(), counts.end()), counts.end());
    for (unsigned base = 8; 2 * base <= all; base *= 2)
      EXPECT_EQ(std::count_if(counts.begin(), counts.end(),
                              [base](unsigned n) { return n >= base && n < 2 * base; }),
                8)
          << all << " CPUs from " << base;
  }
  EXPECT_EQ(octave_counts(4096).size(), 7u + 9 * 8 + 1);
}

TEST(CpuCounts, ListsRangesAndWords) {
  EXPECT_THAT(parse_cpu_counts("1,2,4", 8, ""), ElementsAre(1, 2, 4));
  EXPECT_THAT(parse_cpu_counts("2-4", 8, ""), ElementsAre(2, 3, 4));
  EXPECT_THAT(parse_cpu_counts("all", 8, ""), ElementsAre(8));
  EXPECT_THAT(parse_cpu_counts("octave", 18, ""),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18));
}

TEST(CpuCounts, AreAscendingAndEachOnce) {
  EXPECT_THAT(parse_cpu_counts("all,4,1,2-5,4", 8, ""), ElementsAre(1, 2, 3, 4, 5, 8));
}

std::string complaint(std::string_view text, unsigned all = 8, std::string_view why = "allowed: 0-7") {
  try {
    parse_cpu_counts(text, all, why);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "none";
}

TEST(CpuCounts, SayWhatTheyCannotRead) {
  for (const std::string token :
       {"x", "0", "-1", "1x", "3-1", "1-", "-", "", "1 ", "octaves", "99999999999", "0-3"})
    EXPECT_EQ(complaint("2," + token),
              "--cpus 2," + token + ": '" + token +
                  "' is not a count from 1 to 8, a range of them (1-4), 'all' or 'octave'");
}

TEST(CpuCounts, SayWhatLimitsThem) {
  EXPECT_EQ(complaint("9"), "--cpus 9: 9 CPUs asked for, 8 can be used (allowed: 0-7)");
  EXPECT_EQ(complaint("1-4000000000"),
            "--cpus 1-4000000000: 4000000000 CPUs asked for, 8 can be used (allowed: 0-7)");
  EXPECT_EQ(complaint("2", 1, "CPU quota of 1.5 CPUs, cpu.max"),
            "--cpus 2: 2 CPUs asked for, 1 can be used (CPU quota of 1.5 CPUs, cpu.max)");
}

}  // namespace
}  // namespace mmscale::campaign
