// SPDX-License-Identifier: MIT
#include "check/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

// One thread runs all: ThreadSanitizer has nothing to find, and takes a millisecond to start a fiber anew.
#if !defined(__SANITIZE_THREAD__)
namespace mmscale::check {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const Case& the_case(std::string_view name) {
  for (const Case& one : cases())
    if (one.name == name) return one;
  throw std::invalid_argument(std::string(name));
}

TEST(Check, AViolationComesWithAScheduleThatReplaysToIt) {
  const Outcome outcome = check("untracked", "powerpc", the_case("exit"), {});
  ASSERT_EQ(outcome.verdict, Verdict::violated);
  EXPECT_THAT(outcome.violation, HasSubstr("DANGLING"));
  const auto lines = explain("untracked", "powerpc", the_case("exit"), outcome.schedule, Options{}.verdicts);
  EXPECT_THAT(lines.front(), HasSubstr("CPU "));
  EXPECT_THAT(lines.back(), StartsWith(outcome.violation));
}

TEST(Check, TheSameSearchFindsTheSame) {
  const Outcome first = check("shootdown", "x86-2017", the_case("alone"), {});
  const Outcome second = check("shootdown", "x86-2017", the_case("alone"), {});
  EXPECT_EQ(first.executions, second.executions);
  EXPECT_EQ(first.steps, second.steps);
  EXPECT_EQ(first.schedule, second.schedule);
}

TEST(Check, RefcountIsSafeAndExhausted) {
  const Outcome outcome = check("refcount", "powerpc", the_case("exit"), {});
  EXPECT_EQ(outcome.verdict, Verdict::safe) << outcome.violation << ": " << outcome.where;
  EXPECT_GT(outcome.executions, 1u);
  EXPECT_EQ(outcome.schedule, "");
}

TEST(Check, ALimitIsSaid) {
  Options options;
  options.steps = 5;
  EXPECT_EQ(check("refcount", "powerpc", the_case("exit"), options).verdict, Verdict::bounded);
  options.steps = 50'000;
  options.preemptions = 0;
  EXPECT_EQ(check("refcount", "powerpc", the_case("exit"), options).verdict, Verdict::bounded);
}

TEST(Check, UnknownNamesAreRefused) {
  EXPECT_THROW(check("nosuch", "powerpc", the_case("exit"), {}), std::invalid_argument);
  EXPECT_THROW(check("refcount", "nosuch", the_case("exit"), {}), std::invalid_argument);
}

}  // namespace
}  // namespace mmscale::check
#endif
