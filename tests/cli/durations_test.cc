// SPDX-License-Identifier: MIT
#include "cli/options.h"

#include <gtest/gtest.h>

#include <chrono>

#include "cli/names.h"

namespace mmscale::cli {
namespace {

using namespace std::chrono_literals;

TEST(Durations, HaveUnits) {
  EXPECT_EQ(parse_duration("--window", "250ms"), 250ms);
  EXPECT_EQ(parse_duration("--window", "1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("--window", "3m"), 3min);
  EXPECT_EQ(parse_duration("--window", "2h"), 2h);
  EXPECT_EQ(parse_duration("--window", "100us"), 100us);
  EXPECT_EQ(parse_duration("--window", "7ns"), 7ns);
  EXPECT_EQ(parse_duration("--window", "1e3ms"), 1s);
  EXPECT_EQ(parse_duration("--window", "8760h"), 8760h);
}

TEST(Durations, SayWhatTheyCannotRead) {
  for (const std::string bad : {"", "0", "0s", "-5ms", "5", "ms", "5 ms", "5msec", "5ms ", " 5ms", "+5ms",
                                "nans", "infs", "1e30s", "8761h", "0.5ns", "5S", "five"}) {
    try {
      parse_duration("--window", bad);
      ADD_FAILURE() << "'" << bad << "' was read";
    } catch (const UsageError& error) {
      EXPECT_EQ(error.what(), "--window: '" + bad +
                                  "' is not a duration above 0 with a unit (us, ms, s, m, h), such as 250ms");
    }
  }
}

}  // namespace
}  // namespace mmscale::cli
