// SPDX-License-Identifier: MIT
#include "check/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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
  ASSERT_GT(lines.size(), 2u);
  EXPECT_THAT(lines[lines.size() - 2], StartsWith(outcome.violation));
  EXPECT_THAT(lines.back(), HasSubstr(meaning_of(outcome.violation)));
}

TEST(Check, TheWorstOfSeveralClassesCounts) {
  EXPECT_LT(severity_of("COMPARED, USED"), severity_of("DANGLING"));
  EXPECT_LT(severity_of("DANGLING"), severity_of("COMPARED"));
  EXPECT_THAT(meaning_of("COMPARED, USED"), HasSubstr("; "));
  EXPECT_EQ(meaning_of(""), "");
}

TEST(Check, TheSameSearchFindsTheSame) {
  const Outcome first = check("shootdown", "x86-2017", the_case("alone"), {});
  const Outcome second = check("shootdown", "x86-2017", the_case("alone"), {});
  EXPECT_EQ(first.executions, second.executions);
  EXPECT_EQ(first.steps, second.steps);
  EXPECT_EQ(first.schedule, second.schedule);
}

// What is put back in the middle of an execution must be all that it has changed: a byte forgotten, and what follows is of
// another program.
TEST(Check, GoingBackFindsWhatRunningAgainFinds) {
  namespace explorer = machine::explorer;
  for (const char* const scheme : {"refcount-rcu", "shootdown", "hazptr", "mailbox", "untracked"})
    for (const char* const lifecycle : {"powerpc", "x86-2025"})
      for (const Case& one : cases()) {
        if (one.cpus() > 2) continue;
        std::vector<explorer::Result> results;
        for (const std::size_t points : {0, 1, 2'000}) {
          const auto program = make_program(scheme, lifecycle, one, Options{}.verdicts);
          explorer::Limits limits;
          limits.points = points;
          limits.steps = 20'000;
          results.push_back(explorer::explore(*program, natural_memory(lifecycle), limits));
        }
        const explorer::Result& again = results.front();
        for (const explorer::Result& kept : results) {
          EXPECT_EQ(kept.ending, again.ending) << scheme << ' ' << lifecycle << ' ' << one.name;
          EXPECT_EQ(kept.executions, again.executions) << scheme << ' ' << lifecycle << ' ' << one.name;
          EXPECT_EQ(kept.steps, again.steps) << scheme << ' ' << lifecycle << ' ' << one.name;
          EXPECT_EQ(to_string(kept.schedule), to_string(again.schedule)) << scheme << ' ' << one.name;
        }
      }
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

// Where nobody goes through the CPUs by number, and where somebody does: the verdict is the same, and fewer steps lead to
// it only in the former.
TEST(Check, CpusThatMayChangePlacesAreCountedOnce) {
  struct {
    std::string_view scheme, lifecycle;
    bool fewer;
  } const kCells[] = {{"refcount", "powerpc", true},   {"refcount-packed", "arm64", true},
                      {"percpu", "powerpc", false},    {"hazptr", "powerpc", false},
                      {"refcount", "x86-2024", false}, {"untracked", "powerpc", false}};
  for (const auto& cell : kCells) {
    const Case& one = the_case("two-borrowers");
    Options apart;
    apart.symmetry = false;
    const Outcome once = check(cell.scheme, cell.lifecycle, one, {});
    const Outcome all = check(cell.scheme, cell.lifecycle, one, apart);
    EXPECT_EQ(once.verdict, all.verdict) << cell.scheme;
    EXPECT_EQ(once.violation, all.violation) << cell.scheme;
    if (cell.fewer)
      EXPECT_LT(once.steps, all.steps) << cell.scheme;
    else
      EXPECT_EQ(once.steps, all.steps) << cell.scheme;
  }
}

// membarrier(2) orders for processes that have registered alone: a case that asks it of another asks nothing.
TEST(Check, CasesOfMembarrierAreOfRegisteredProcessesButTheOneOfTheRefusal) {
  for (const Case& one : cases())
    for (const auto& program : one.programs)
      if (std::ranges::count(program, Act::slow_side, &Step::op) != 0) {
        EXPECT_EQ(one.more.registered, one.name != "membarrier-eperm") << one.name;
      }
}

// A case says so of CPUs whose programs and beginnings are the same but for whose process it is.
TEST(Check, CasesSayOfNoCpusThatTheyAreAlikeWhichAreNot) {
  for (const Case& one : cases()) {
    std::vector<std::vector<Act>> acts;
    for (unsigned cpu = 0; cpu < one.cpus(); ++cpu) {
      if ((one.more.interchangeable >> cpu & 1) == 0) continue;
      std::vector<Act> of_cpu;
      for (const Case::Before& before : one.before)
        if (before.cpu == cpu) of_cpu.push_back(before.step.op);
      for (const Step& step : one.programs[cpu]) of_cpu.push_back(step.op);
      acts.push_back(of_cpu);
      EXPECT_EQ(acts.back(), acts.front()) << one.name;
    }
  }
}

TEST(Check, UnknownNamesAreRefused) {
  EXPECT_THROW(check("nosuch", "powerpc", the_case("exit"), {}), std::invalid_argument);
  EXPECT_THROW(check("refcount", "nosuch", the_case("exit"), {}), std::invalid_argument);
}

}  // namespace
}  // namespace mmscale::check
#endif
