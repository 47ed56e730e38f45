// SPDX-License-Identifier: MIT
#include "campaign/live.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/records.h"

namespace mmscale::campaign {
namespace {

using test::floor_record;
using test::invalid;
using test::switch_record;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(LiveView, HasABarForEachScheme) {
  LiveView view;
  EXPECT_THAT(view.lines(80, 24), IsEmpty());
  view.add(switch_record("refcount", 0, 3, 1));
  view.add(switch_record("shootdown", 0, 3, 4));
  EXPECT_THAT(view.lines(80, 24),
              ElementsAre("switch/idle/*/all/compact/cpus:2",
                          "  refcount  ###########                                     500 kswitches/s  1/1",
                          "  shootdown ############################################   2.00 Mswitches/s  1/1",
                          "  rounds by package, last window of shootdown:",
                          "      0 ###         25.0 %     1 ########    75.0 % "));
}

TEST(LiveView, ABarIsTheMedianOfTheValidWindows) {
  LiveView view;
  for (std::uint64_t speed : {1, 3, 2}) view.add(switch_record("refcount", 0, 3, speed));
  view.add(invalid(switch_record("refcount", 3, 3, 100), {"preempted", "throttled"}));
  view.add(invalid(switch_record("hazptr", 0, 3, 100), {"preempted"}));
  const auto lines = view.lines(80, 24);
  EXPECT_THAT(lines[1], HasSubstr("hazptr                "));
  EXPECT_THAT(lines[1], HasSubstr("no valid window  0/1"));
  EXPECT_THAT(lines[2], HasSubstr("1.00 Mswitches/s  3/4"));
  EXPECT_EQ(lines.back(), "last invalid: switch/idle/hazptr/all/compact/cpus:2 #1: preempted");
}

TEST(LiveView, OfTimesSaysThatLongerIsSlower) {
  LiveView view;
  measure::Record record = switch_record();
  record.findings.operation_ns = 1234;
  view.add(record);
  EXPECT_THAT(view.lines(80, 24)[0], HasSubstr("(a longer bar is slower)"));
  EXPECT_THAT(view.lines(80, 24)[1], HasSubstr("1.23 us  1/1"));
}

TEST(LiveView, ShowsWhatRanLastWhereNotAllHasRoom) {
  LiveView view;
  view.add(switch_record());
  view.add(floor_record());
  EXPECT_THAT(view.lines(80, 24), SizeIs(8));
  EXPECT_EQ(view.lines(80, 4)[0], "floor/*/compact/cpus:2");
  view.add(switch_record("refcount", 1));
  EXPECT_EQ(view.lines(80, 4)[0], "switch/idle/*/all/compact/cpus:2");
}

TEST(LiveView, StaysWithinTheTerminal) {
  LiveView view;
  view.add(invalid(switch_record("shootdown"), {"a reason that is longer than the terminal is wide"}));
  for (unsigned speed = 1; speed < 9; ++speed)
    view.add(switch_record("scheme-" + std::to_string(speed), 0, 1, speed));
  for (unsigned width : {1u, 10u, 37u, 80u, 300u})
    for (unsigned height : {0u, 1u, 5u, 24u}) {
      const auto lines = view.lines(width, height);
      EXPECT_LE(lines.size(), height);
      for (const std::string& line : lines) EXPECT_LE(line.size(), width);
    }
}

}  // namespace
}  // namespace mmscale::campaign
