// SPDX-License-Identifier: MIT
#include "workload/patterns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "workload/program.h"

namespace mmscale::workload {
namespace {

using testing::ElementsAre;

constexpr std::array<unsigned, 2> kAll = {0, 0};
constexpr std::array<unsigned, 2> kPrivate = {0, 1};

Program build(std::string_view pattern, std::span<const unsigned> groups, std::uint32_t think = 0,
              std::uint32_t lifetime = 100) {
  return find_pattern(pattern)->build({.groups = groups, .think = think, .lifetime = lifetime});
}

std::vector<std::string> text(const Program& program) {
  std::vector<std::string> lines;
  for (std::uint32_t cpu = 0; cpu < program.cpus.size(); ++cpu) lines.push_back(to_string(program, cpu));
  return lines;
}

TEST(Patterns, AreFoundByName) {
  std::set<std::string_view> names;
  for (const Pattern& pattern : patterns()) {
    EXPECT_TRUE(names.insert(pattern.name).second);
    EXPECT_EQ(find_pattern(pattern.name), &pattern);
    EXPECT_FALSE(pattern.what.empty());
    EXPECT_FALSE(pattern.round.empty());
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"idle", "kthread", "user", "exit"}));
  EXPECT_EQ(find_pattern("no such pattern"), nullptr);
}

TEST(Patterns, Idle) {
  const Program program = build("idle", kAll);
  EXPECT_THAT(text(program), ElementsAre("task0/mm0 idle", "task1/mm0 idle"));
  EXPECT_EQ(program.processes, 1u);
  EXPECT_EQ(program.max_live_mms, 1u);
  EXPECT_EQ(program.cpus[0].switches, 2u);
  EXPECT_EQ(program.tasks[0].cpu, 0u);
  EXPECT_EQ(program.tasks[1].cpu, 1u);
}

TEST(Patterns, IdlePrivate) {
  const Program program = build("idle", kPrivate);
  EXPECT_THAT(text(program), ElementsAre("task0/mm0 idle", "task1/mm1 idle"));
  EXPECT_EQ(program.processes, 2u);
  EXPECT_EQ(program.max_live_mms, 2u);
}

TEST(Patterns, Kthread) {
  const Program program = build("kthread", kAll);
  EXPECT_THAT(text(program), ElementsAre("task0/mm0 kthread1 idle", "task2/mm0 kthread3 idle"));
  EXPECT_EQ(program.cpus[1].switches, 3u);
  EXPECT_EQ(program.processes, 1u);
  EXPECT_EQ(program.tasks[1].process, TaskSpec::kKernelThread);
}

TEST(Patterns, User) {
  const Program program = build("user", kAll);
  EXPECT_THAT(text(program), ElementsAre("task0/mm0 task1/mm0 task2/mm1", "task3/mm0 task4/mm0 task5/mm1"));
  EXPECT_EQ(program.cpus[0].switches, 3u);
  EXPECT_EQ(program.processes, 2u);
}

TEST(Patterns, UserPrivate) {
  const Program program = build("user", kPrivate);
  EXPECT_THAT(text(program), ElementsAre("task0/mm0 task1/mm0 task2/mm1", "task3/mm2 task4/mm2 task5/mm3"));
  EXPECT_EQ(program.processes, 4u);
  EXPECT_EQ(program.max_live_mms, 4u);
}

TEST(Patterns, Exit) {
  const Program program = build("exit", kAll, 0, 6);
  EXPECT_THAT(text(program), ElementsAre("await0 task0/mm0 idle task0/mm0 idle task0/mm0 exit",
                                         "await0 task1/mm0 idle task1/mm0 idle task1/mm0 exit"));
  EXPECT_EQ(program.cpus[0].switches, 6u);
  EXPECT_EQ(program.processes, 1u);
  // A CPU may hold on to a dead process' mm while its own is born again.
  EXPECT_EQ(program.max_live_mms, 3u);
}

TEST(Patterns, ExitPrivate) {
  const Program program = build("exit", kPrivate, 0, 2);
  EXPECT_THAT(text(program), ElementsAre("await0 task0/mm0 exit", "await1 task1/mm1 exit"));
  EXPECT_EQ(program.cpus[1].switches, 2u);
  EXPECT_EQ(program.processes, 2u);
  EXPECT_EQ(program.max_live_mms, 4u);
}

TEST(Patterns, ALifeIsAsManySwitchesAsAskedFor) {
  for (std::uint32_t lifetime : {2u, 4u, 100u, 1000u})
    for (const CpuProgram& cpu : build("exit", kAll, 0, lifetime).cpus) EXPECT_EQ(cpu.switches, lifetime);
}

TEST(Patterns, ThinkAfterEverySwitchButTheLastOfALife) {
  EXPECT_THAT(text(build("idle", std::array{0u}, 50)), ElementsAre("task0/mm0 think50 idle think50"));
  EXPECT_THAT(text(build("kthread", std::array{0u}, 7)),
              ElementsAre("task0/mm0 think7 kthread1 think7 idle think7"));
  EXPECT_THAT(text(build("user", std::array{0u}, 7)),
              ElementsAre("task0/mm0 think7 task1/mm0 think7 task2/mm1 think7"));
  EXPECT_THAT(text(build("exit", std::array{0u}, 7, 4)),
              ElementsAre("await0 task0/mm0 think7 idle think7 task0/mm0 think7 exit"));
}

TEST(Patterns, ThinkingIsNoSwitch) {
  for (const Pattern& pattern : patterns())
    EXPECT_EQ(pattern.build({.groups = kAll, .think = 9}).cpus[0].switches,
              pattern.build({.groups = kAll, .think = 0}).cpus[0].switches)
        << pattern.name;
}

// Groups need not be neighbours.
TEST(Patterns, GroupsBecomeProcesses) {
  const Program program = build("idle", std::array{0u, 1u, 0u, 2u});
  EXPECT_THAT(text(program),
              ElementsAre("task0/mm0 idle", "task1/mm1 idle", "task2/mm0 idle", "task3/mm2 idle"));
  EXPECT_EQ(program.processes, 3u);
}

TEST(Patterns, EveryTaskIsOfTheCpuThatRunsIt) {
  for (const Pattern& pattern : patterns()) {
    const Program program = pattern.build({.groups = kPrivate});
    for (std::uint32_t cpu = 0; cpu < program.cpus.size(); ++cpu)
      for (const Step& step : program.cpus[cpu].steps)
        if (step.op == Op::switch_to) {
          EXPECT_EQ(program.tasks[step.operand].cpu, cpu) << pattern.name;
        }
  }
}

TEST(Program, CountsWhatSwitches) {
  EXPECT_EQ(count_switches({}), 0u);
  EXPECT_EQ(count_switches({{Op::await_birth, 0}, {Op::think, 5}}), 0u);
  EXPECT_EQ(
      count_switches({{Op::switch_to, 0}, {Op::think, 5}, {Op::idle}, {Op::switch_to, 1}, {Op::exit, 0}}),
      4u);
}

}  // namespace
}  // namespace mmscale::workload
