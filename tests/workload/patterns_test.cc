// SPDX-License-Identifier: MIT
#include "workload/patterns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/run_load.h"
#include "workload/program.h"

namespace mmscale::workload {
namespace {

using test::kAll;
using test::kPrivate;
using testing::ElementsAre;

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

TEST(Patterns, ARunQueueIsRunThroughBeforeTheCpuIdles) {
  const Program idle = find_pattern("idle")->build({.groups = kAll, .tasks_per_cpu = 3});
  EXPECT_THAT(text(idle),
              ElementsAre("task0/mm0 task1/mm0 task2/mm0 idle", "task3/mm0 task4/mm0 task5/mm0 idle"));
  EXPECT_EQ(idle.cpus[0].switches, 4u);
  const Program kthread = find_pattern("kthread")->build({.groups = kPrivate, .tasks_per_cpu = 2});
  EXPECT_THAT(text(kthread),
              ElementsAre("task0/mm0 task1/mm0 kthread2 idle", "task3/mm1 task4/mm1 kthread5 idle"));
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
  EXPECT_THAT(text(program), ElementsAre("await_birth0 task0/mm0 idle task0/mm0 idle task0/mm0 exit",
                                         "await_birth0 task1/mm0 idle task1/mm0 idle task1/mm0 exit"));
  EXPECT_EQ(program.cpus[0].switches, 6u);
  EXPECT_EQ(program.processes, 1u);
  // A CPU may hold on to a dead process' mm while its own is born again.
  EXPECT_EQ(program.max_live_mms, 3u);
}

TEST(Patterns, ExitPrivate) {
  const Program program = build("exit", kPrivate, 0, 2);
  EXPECT_THAT(text(program), ElementsAre("await_birth0 task0/mm0 exit", "await_birth1 task1/mm1 exit"));
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
              ElementsAre("await_birth0 task0/mm0 think7 idle think7 task0/mm0 think7 exit"));
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

// Whether the CPU waits for that task to come from another.
bool taken_over(const CpuProgram& cpu, std::uint32_t task) {
  return std::find(cpu.steps.begin(), cpu.steps.end(), Step{Op::await_task, task}) != cpu.steps.end();
}

TEST(Patterns, EveryTaskIsOfTheCpuThatRunsIt) {
  for (const Pattern& pattern : patterns()) {
    const Program program = pattern.build({.groups = kPrivate});
    for (std::uint32_t cpu = 0; cpu < program.cpus.size(); ++cpu)
      for (const Step& step : program.cpus[cpu].steps)
        if (step.op == Op::switch_to && !taken_over(program.cpus[cpu], step.operand)) {
          EXPECT_EQ(program.tasks[step.operand].cpu, cpu) << pattern.name;
        }
  }
}

TEST(Patterns, Aio) {
  const Program program = build("aio", kAll);
  EXPECT_THAT(text(program), ElementsAre("task0/mm0 kthread1 serve0 served idle",  //
                                         "task2/mm0 kthread3 serve2 served idle"));
  EXPECT_EQ(program.cpus[0].switches, 3u);
  EXPECT_THAT(text(build("aio", std::array{0u}, 7)),
              ElementsAre("task0/mm0 think7 kthread1 serve0 think7 served idle think7"))
      << "the thread thinks in the mm it works for";
}

TEST(Patterns, Exec) {
  const Program program = build("exec", kAll, 0, 4);
  EXPECT_THAT(text(program), ElementsAre("task0/mm0 idle task0/mm0 exec kthread1 exec idle kthread1 exit",
                                         "task2/mm1 idle task2/mm1 exec kthread3 exec idle kthread3 exit"));
  EXPECT_EQ(program.processes, 2u) << "single-threaded, whatever shares an mm otherwise";
  EXPECT_EQ(program.max_live_mms, 8u);
  EXPECT_EQ(program.cpus[0].switches, 7u);
}

TEST(Patterns, Build) {
  const Program program = find_pattern("build")->build({.groups = kAll, .lifetime = 4, .migrate_every = 3});
  EXPECT_THAT(text(program),
              ElementsAre("await_birth0 task0/mm0 idle task0/mm0 hold flush_tables exit kthread2 let_go idle "
                          "await_birth0 task0/mm0 idle task0/mm0 flush_tables exit "
                          "await_birth0 task0/mm0 idle hand_off0 await_task1 task1/mm1 flush_tables exit",
                          "await_birth1 task1/mm1 idle task1/mm1 hold flush_tables exit kthread3 let_go idle "
                          "await_birth1 task1/mm1 idle task1/mm1 flush_tables exit "
                          "await_birth1 task1/mm1 idle hand_off1 await_task0 task0/mm0 flush_tables exit"));
  EXPECT_EQ(program.max_live_mms, 6u);
}

TEST(Patterns, BuildWithoutMigration) {
  const std::string alone = "await_birth0 task0/mm0 hold flush_tables exit kthread1 let_go idle";
  EXPECT_THAT(
      text(find_pattern("build")->build({.groups = std::array{0u}, .lifetime = 2, .migrate_every = 2})),
      ElementsAre(alone))
      << "nowhere to go";
  EXPECT_THAT(
      text(find_pattern("build")->build({.groups = std::array{0u}, .lifetime = 2, .migrate_every = 0})),
      ElementsAre(alone));
}

TEST(Patterns, Server) {
  const Program program = build("server", kAll, 0, 4);
  EXPECT_THAT(
      text(program),
      ElementsAre("task0/mm0 idle task0/mm0 task1/mm0 flush_pages exit task0/mm0 flush_tables clone1 idle",
                  "task2/mm0 idle task2/mm0 task3/mm0 flush_pages exit task2/mm0 flush_tables clone3 idle"));
  EXPECT_EQ(program.processes, 1u);
}

TEST(Patterns, Hotplug) {
  EXPECT_THAT(text(build("hotplug", kAll, 0, 2)),
              ElementsAre("await_birth0 task0/mm0 exit", "await_birth0 task1/mm0 exit replug"));
}

TEST(Patterns, DeepIdleFollowsIdle) {
  EXPECT_THAT(
      text(find_pattern("exit")->build(
          {.groups = std::array{0u}, .think = 3, .lifetime = 4, .deep_idle = true})),
      ElementsAre("await_birth0 task0/mm0 think3 idle deep_idle think3 task0/mm0 think3 exit deep_idle"));
}

TEST(Patterns, TheTickMayStopInIdleAndIsBusyBehindIt) {
  const auto with = [](const char* name, std::uint32_t think = 0, bool deep = false) {
    return text(find_pattern(name)->build(
        {.groups = std::array{0u}, .think = think, .lifetime = 4, .deep_idle = deep, .nohz_every = 9}));
  };
  EXPECT_THAT(with("idle", 3, true),
              ElementsAre("task0/mm0 busy_tick think3 idle stop_tick9 deep_idle think3"));
  EXPECT_THAT(with("user"), ElementsAre("task0/mm0 task1/mm0 task2/mm1")) << "nobody idles";
  EXPECT_THAT(with("kthread"), ElementsAre("task0/mm0 busy_tick kthread1 idle stop_tick9"));
  EXPECT_THAT(
      with("exit"),
      ElementsAre("await_birth0 task0/mm0 busy_tick idle stop_tick9 task0/mm0 busy_tick exit stop_tick9"));
  EXPECT_EQ(count_switches(
                find_pattern("exit")->build({.groups = kAll, .lifetime = 4, .nohz_every = 1}).cpus[0].steps),
            4u);
}

TEST(Patterns, WhatOneDoesNotUseChangesNoneOfItsSteps) {
  const PatternParameters asked{.groups = kAll, .lifetime = 6, .tasks_per_cpu = 3, .migrate_every = 2};
  for (const Pattern& pattern : patterns())
    EXPECT_EQ(text(pattern.build(asked)), text(pattern.build(pattern.used_of(asked)))) << pattern.name;
}

TEST(Patterns, PageTablesAreAPropertyOfTheProcesses) {
  EXPECT_TRUE(build("exit", kAll).page_tables);
  EXPECT_FALSE(find_pattern("exit")->build({.groups = kAll, .page_tables = false}).page_tables);
  EXPECT_EQ(find_pattern("exit")->build({.groups = kAll, .death_ticks = 7}).death_ticks, 7u);
  EXPECT_EQ(
      find_pattern("exit")->build({.groups = kAll, .idle_exit = std::chrono::nanoseconds(7)}).idle_exit_ns,
      7u);
  EXPECT_TRUE(find_pattern("exit")->build({.groups = kAll, .registered = true}).registered);
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
