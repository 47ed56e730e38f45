// SPDX-License-Identifier: MIT
//
// Every scheme that is safe under a lifecycle, for long, under the oracle and the books: each workload for
// ten million switches, or ten thousand exits where processes die, if MMSCALE_LONG_RUNS is in the environment. Else a
// quarter of that under powerpc and a thirtieth under the others: all in full takes minutes. ThreadSanitizer gets a
// fiftieth, under powerpc always.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/lifecycle/catalogue.h"
#include "machine/silicon/clock.h"
#include "machine/silicon/silicon.h"
#include "scheme/catalogue.h"
#include "support/covered.h"
#include "support/run_load.h"
#include "support/scheme_name.h"
#include "workload/checked_loads.h"
#include "workload/patterns.h"

namespace mmscale::workload {
namespace {

using test::kAll;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kScale = MMSCALE_TSAN ? 50 : 1;
constexpr std::uint64_t kSwitches = 10'000'000 / kScale;
constexpr std::uint64_t kExits = 10'000 / kScale;
constexpr unsigned kCpus = 2;

// A process of both CPUs ends on CPU 0 while CPU 1, whose thread has exited, goes on to another task: the end
// of a borrow and the last drop meet at every offset, as in none of the patterns.
Program late_leavers() {
  Program program;
  program.processes = 2;
  program.tasks = {{.cpu = 0, .process = 0}, {.cpu = 1, .process = 0}, {.cpu = 1, .process = 1}};
  program.cpus.resize(kCpus);
  program.cpus[0].steps = {{Op::await_birth, 0}, {Op::switch_to, 0}, {Op::exit, 0}};
  program.cpus[1].steps = {
      {Op::await_birth, 0}, {Op::switch_to, 1}, {Op::exit, 0}, {Op::switch_to, 2}, {Op::idle}};
  for (CpuProgram& cpu : program.cpus) cpu.switches = count_switches(cpu.steps);
  program.max_live_mms = program.processes + kCpus;
  return program;
}

// Passes that make so many switches or, where there are any, so many exits.
std::uint64_t rounds_for(const Program& program, std::uint64_t switches, std::uint64_t exits) {
  std::uint64_t switches_a_round = 0;
  std::uint64_t exits_a_round = 0;
  for (const CpuProgram& cpu : program.cpus) {
    switches_a_round += cpu.switches;
    exits_a_round += static_cast<std::uint64_t>(std::count_if(
        cpu.steps.begin(), cpu.steps.end(), [](const Step& step) { return step.op == Op::exit; }));
  }
  return exits_a_round != 0 ? exits / exits_a_round + 1 : switches / switches_a_round + 1;
}

// As test::run_load, but no longer than patience lasts: where other work takes the CPUs away, each hand-over
// between the two costs a time slice instead of a microsecond. True if all rounds were made.
bool run_load_patiently(Load& load, std::uint64_t rounds) {
  constexpr std::uint64_t kPatience = 10'000'000'000;  // ns
  constexpr std::uint64_t kChunk = 64;
  const std::uint64_t deadline = machine::silicon::now_ns() + kPatience;
  std::atomic<unsigned> done{0};
  std::atomic<bool> complete{true};
  test::run_on_cpus(load.cpus(), [&](unsigned cpu, unsigned os_cpu) {
    load.boot(cpu, os_cpu);
    std::uint64_t made = 0;
    for (; made < rounds && machine::silicon::now_ns() < deadline; made += kChunk) load.run(cpu, kChunk);
    if (made < rounds) complete = false;
    done.fetch_add(1);
    while (done.load() != load.cpus()) load.run(cpu, 1);
    load.stop(cpu);
    load.finish(cpu);
  });
  return complete;
}

class LongRun : public testing::TestWithParam<std::tuple<const scheme::SchemeInfo*, std::string_view>> {
 protected:
  const scheme::SchemeInfo& scheme() const { return *std::get<0>(GetParam()); }
  std::string_view lifecycle() const { return std::get<1>(GetParam()); }

  void run(Program program) {
    const bool powerpc = lifecycle() == kernel::lifecycle::Powerpc::kName;
    const std::uint64_t part = powerpc ? (MMSCALE_TSAN ? 1 : 4) : 30;
    const std::uint64_t share = std::getenv("MMSCALE_LONG_RUNS") ? 1 : part;
    const std::uint64_t rounds = rounds_for(program, kSwitches / share, kExits / share);
    const auto load = make_checked_silicon_load(
        {.scheme = scheme().name, .lifecycle = lifecycle(), .transport = "doorbell"}, std::move(program));
    if (!run_load_patiently(*load, rounds)) RecordProperty("cut_short", "the host is busy");
    EXPECT_THAT(load->audit(), IsEmpty());
  }
};

TEST_P(LongRun, AddsUpInEveryWorkload) {
  for (const Pattern& pattern : patterns()) {
    SCOPED_TRACE(pattern.name);
    run(pattern.build({.groups = kAll, .lifetime = 10, .migrate_every = 3}));
  }
}

TEST_P(LongRun, AddsUpWhereTheLastDropMeetsTheEndOfABorrow) { run(late_leavers()); }

TEST_P(LongRun, AddsUpWhereIdleLosesTheTlb) {
  run(find_pattern("exit")->build({.groups = kAll, .lifetime = 10, .deep_idle = true}));
}

std::vector<std::tuple<const scheme::SchemeInfo*, std::string_view>> covered_combinations() {
  std::vector<std::tuple<const scheme::SchemeInfo*, std::string_view>> combinations;
  for (const scheme::SchemeInfo* info : scheme::Catalogue::infos())
    for (std::string_view lifecycle : kernel::lifecycle::Catalogue::names())
      if (test::covered(*info, lifecycle)) combinations.emplace_back(info, lifecycle);
  return combinations;
}

INSTANTIATE_TEST_SUITE_P(Safe, LongRun, testing::ValuesIn(covered_combinations()), [](const auto& tested) {
  return test::test_name(std::get<0>(tested.param)->name) + "_under_" +
         test::test_name(std::get<1>(tested.param));
});

// Unsafe everywhere, and caught.

std::vector<std::string> problems_of(std::string_view scheme, Program program) {
  const auto load =
      make_checked_silicon_load({.scheme = scheme, .transport = "doorbell"}, std::move(program));
  test::run_load(*load, 20);
  return load->audit();
}

TEST(Unsafe, UntrackedIsCaught) {
  EXPECT_THAT(problems_of("untracked", late_leavers()), Contains(HasSubstr("DANGLING")));
}

TEST(Unsafe, ImplicitIsCaught) {
  EXPECT_THAT(problems_of("implicit", late_leavers()), Contains(HasSubstr("DANGLING")));
}

// CPU 1 stays lazily idle while CPU 0 ends the process, and goes on until a grace period has passed.
TEST(Unsafe, RcuIsCaught) {
  Program program;
  program.processes = 2;
  program.tasks = {{.cpu = 0, .process = 0}, {.cpu = 1, .process = 0}, {.cpu = 0, .process = 1}};
  program.cpus.resize(kCpus);
  program.cpus[0].steps = {{Op::switch_to, 0}, {Op::exit, Step::kNobody}, {Op::switch_to, 2}, {Op::exit, 1}};
  program.cpus[1].steps = {{Op::switch_to, 1}, {Op::exit, Step::kNobody}};
  for (CpuProgram& cpu : program.cpus) cpu.switches = count_switches(cpu.steps);
  program.max_live_mms = 4;
  const auto load = make_checked_silicon_load({.scheme = "rcu", .transport = "doorbell"}, std::move(program));
  std::atomic<bool> left{false};
  std::atomic<bool> over{false};
  test::run_on_cpus(kCpus, [&](unsigned cpu, unsigned os_cpu) {
    load->boot(cpu, os_cpu);
    if (cpu == 1) {
      load->run_part(cpu, 0, 2, 1);
      left = true;
      while (!over) machine::silicon::pause();
    } else {
      while (!left) machine::silicon::pause();
      load->run_part(cpu, 0, 2, 1);
      // Until the process that CPU 1 borrows is freed, and a second at most.
      const std::uint64_t start = machine::silicon::now_ns();
      while (load->tally(cpu).mms_freed == 0 && machine::silicon::now_ns() - start < 1'000'000'000)
        load->run_part(cpu, 2, 4, 10);
      over = true;
    }
    load->finish(cpu);
  });
  EXPECT_THAT(load->audit(), Contains(HasSubstr("DANGLING on cpu 0 in free_mm")));
}

}  // namespace
}  // namespace mmscale::workload
