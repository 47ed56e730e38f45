// SPDX-License-Identifier: MIT
//
// The whole emulated kernel on two real CPUs, under the oracle and the books.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "kernel/lifecycle/catalogue.h"
#include "machine/silicon/transport.h"
#include "scheme/catalogue.h"
#include "scheme/known.h"
#include "support/covered.h"
#include "support/run_load.h"
#include "support/scheme_name.h"
#include "workload/checked_loads.h"
#include "workload/patterns.h"

namespace mmscale::workload {
namespace {

using machine::silicon::transport_names;
using test::kAll;
using test::kPrivate;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

Program program_of(std::string_view pattern, const test::Groups& groups, std::uint32_t lifetime = 10) {
  return find_pattern(pattern)->build({.groups = groups, .lifetime = lifetime, .migrate_every = 3});
}

// Passes in which processes are born and die, exec or are unmapped take long.
std::uint64_t rounds_of(std::string_view pattern) {
  return pattern == "idle" || pattern == "kthread" || pattern == "user" ? 2000 : 20;
}

// Those that are safe under some lifecycle.
std::vector<const scheme::SchemeInfo*> safe_schemes() {
  std::vector<const scheme::SchemeInfo*> schemes;
  for (const scheme::SchemeInfo* scheme : scheme::Catalogue::infos())
    for (std::string_view lifecycle : kernel::lifecycle::Catalogue::names())
      if (test::safe_under(*scheme, lifecycle) && (schemes.empty() || schemes.back() != scheme))
        schemes.push_back(scheme);
  return schemes;
}

// Each of them over every transport; what is left is walked inside.
class SchemeOverTransport
    : public testing::TestWithParam<std::tuple<const scheme::SchemeInfo*, std::string_view>> {
 protected:
  const scheme::SchemeInfo& scheme() const { return *std::get<0>(GetParam()); }
  std::string_view transport() const { return std::get<1>(GetParam()); }

  // Runs body(spec) for each lifecycle that the scheme is covered under: powerpc over every transport, the others over one
  // each, in turn.
  template <class Body>
  void under_safe_lifecycles(Body&& body) const {
    const auto transports = transport_names();
    std::size_t turn = 0;
    for (std::string_view lifecycle : kernel::lifecycle::Catalogue::names()) {
      const std::string_view its_own = transports[turn++ % transports.size()];
      if (!test::covered(scheme(), lifecycle) || (lifecycle != "powerpc" && its_own != transport())) continue;
      SCOPED_TRACE(lifecycle);
      body(SiliconSpec{.scheme = scheme().name, .lifecycle = lifecycle, .transport = transport()});
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Silicon, SchemeOverTransport,
                         testing::Combine(testing::ValuesIn(safe_schemes()),
                                          testing::ValuesIn(transport_names())),
                         [](const auto& param) {
                           return test::test_name(std::get<0>(param.param)->name) + "_over_" +
                                  std::string(std::get<1>(param.param));
                         });

TEST_P(SchemeOverTransport, RunsEveryPatternAndAddsUp) {
  under_safe_lifecycles([](const SiliconSpec& spec) {
    for (const Pattern& pattern : patterns())
      for (const test::Groups& groups : {kAll, kPrivate}) {
        SCOPED_TRACE(pattern.name);
        SCOPED_TRACE(testing::PrintToString(groups));
        const auto load = make_checked_silicon_load(spec, program_of(pattern.name, groups));
        const kernel::Tally sum = test::run_load(*load, rounds_of(pattern.name));
        EXPECT_THAT(load->audit(), IsEmpty());
        EXPECT_GT(sum.mms_born, 0u);
        EXPECT_EQ(load->switches_per_round(1), program_of(pattern.name, groups).cpus[1].switches);
      }
  });
}

// What is measured is not what the other tests check: the oracle compiled out.
TEST_P(SchemeOverTransport, AddsUpWithoutTheOracle) {
  under_safe_lifecycles([](const SiliconSpec& spec) {
    const auto load = make_silicon_load(spec, program_of("exit", kAll));
    const kernel::Tally sum = test::run_load(*load, 50);
    EXPECT_THAT(load->audit(), IsEmpty());
    EXPECT_GE(sum.mms_freed, 50u);
  });
}

class OverTransport : public testing::TestWithParam<std::string_view> {};
INSTANTIATE_TEST_SUITE_P(Silicon, OverTransport, testing::ValuesIn(transport_names()),
                         [](const auto& param) { return std::string(param.param); });

// Whoever exits last, the other CPU has left before and idles, lazy on the dying mm: every IPI finds a
// borrower.
TEST_P(OverTransport, AThousandSharedProcessesAreShotDown) {
  const auto load =
      make_checked_silicon_load({.scheme = "shootdown", .transport = GetParam()}, program_of("exit", kAll));
  const kernel::Tally sum = test::run_load(*load, 1000);
  EXPECT_THAT(load->audit(), IsEmpty());
  EXPECT_GE(sum.mms_born, 1000u);
  EXPECT_EQ(sum.mms_freed, sum.mms_born);
  EXPECT_EQ(sum.exits, 2 * sum.mms_born);
  EXPECT_EQ(sum.ipis_shoot, sum.mms_born);
  EXPECT_EQ(sum.ipis_useful, sum.mms_born);
  EXPECT_EQ(sum.ipis_useless, 0u);
  EXPECT_EQ(sum.ipis_raised, sum.mms_born) << "there is no third CPU whose request could lie there before";
  EXPECT_EQ(sum.ipis_local, sum.mms_born);
  EXPECT_EQ(sum.shoot_self, sum.mms_born);
  EXPECT_EQ(sum.mm_count_ops(), 0u);
}

TEST_P(OverTransport, PrivateProcessesInterruptNobody) {
  const auto load = make_checked_silicon_load({.scheme = "shootdown", .transport = GetParam()},
                                              program_of("exit", kPrivate));
  const kernel::Tally sum = test::run_load(*load, 500);
  EXPECT_THAT(load->audit(), IsEmpty());
  EXPECT_GE(sum.mms_freed, 1000u);
  EXPECT_EQ(sum.ipis_sent(), 0u);
  EXPECT_EQ(sum.shoot_self, sum.mms_born);
}

// Both CPUs in the mask of both mms, and each dies while the other CPU runs the other mm or is lazy on
// either: useful and useless IPIs both occur, and both are accounted for.
TEST_P(OverTransport, IpisToCpusThatMovedOnAreCountedToo) {
  const auto load =
      make_checked_silicon_load({.scheme = "shootdown", .transport = GetParam()}, program_of("user", kAll));
  const kernel::Tally sum = test::run_load(*load, 100);
  EXPECT_THAT(load->audit(), IsEmpty());
  EXPECT_EQ(sum.ipis_shoot, 2u) << "one for each of the two mms";
  EXPECT_EQ(sum.ipis_useful + sum.ipis_useless, 2u);
}

class CountedScheme : public testing::TestWithParam<const scheme::SchemeInfo*> {};
INSTANTIATE_TEST_SUITE_P(Silicon, CountedScheme,
                         testing::Values(scheme::find_scheme("refcount"),
                                         scheme::find_scheme("refcount-packed")),
                         [](const auto& param) { return test::test_name(param.param->name); });

TEST_P(CountedScheme, InterruptsNobodyAndCountsEveryBorrow) {
  constexpr std::uint64_t kLifetime = 10;
  constexpr std::uint64_t kLives = 200;
  const auto load = make_checked_silicon_load({.scheme = GetParam()->name, .transport = "doorbell"},
                                              program_of("exit", kAll, kLifetime));
  std::atomic<unsigned> done{0};
  test::run_on_cpus(2, [&](unsigned cpu, unsigned os_cpu) {
    load->boot(cpu, os_cpu);
    EXPECT_TRUE(load->run(cpu, kLives));
    const kernel::Tally tally = load->tally(cpu);
    EXPECT_EQ(tally.exits, kLives);
    // Every second switch of a life begins a borrow, exit_mm's the last of them, and the one after it ends
    // it; at boot began one more.
    EXPECT_EQ(tally.lazy_grabs, 1 + kLives * kLifetime / 2);
    EXPECT_EQ(tally.lazy_drops, kLives * kLifetime / 2);
    ++done;
    while (done != 2) load->run(cpu, 1);
    load->stop(cpu);
    load->finish(cpu);
  });
  EXPECT_THAT(load->audit(), IsEmpty());
  EXPECT_EQ(load->tally(0).ipis_sent() + load->tally(1).ipis_sent(), 0u);
}

TEST(SiliconLoad, EveryOptionRuns) {
  using kernel::MmCid;
  for (std::string_view scheme : {"refcount", "shootdown"})
    for (MmCid mm_cid : {MmCid::off, MmCid::v6_4})
      for (bool rq_lock : {false, true}) {
        SCOPED_TRACE(scheme);
        const auto load = make_checked_silicon_load(
            {.scheme = scheme, .options = {mm_cid, rq_lock}, .transport = "doorbell"},
            program_of("exit", kAll));
        EXPECT_GE(test::run_load(*load, 50).mms_freed, 50u);
        EXPECT_THAT(load->audit(), IsEmpty());
      }
}

TEST(SiliconLoad, ThinkingCpusTakeInterrupts) {
  for (std::string_view transport : transport_names()) {
    const Program program = find_pattern("exit")->build({.groups = kAll, .think = 1000, .lifetime = 4});
    const auto load = make_checked_silicon_load({.scheme = "shootdown", .transport = transport}, program);
    EXPECT_GE(test::run_load(*load, 50).ipis_useful, 50u);
    EXPECT_THAT(load->audit(), IsEmpty());
  }
}

// The last of a process to go frees the mm on which it is lazy itself, so the first death is seen already;
// and the other CPU, lazy on it too, cannot go on without using it.
TEST(SiliconLoad, UntrackedIsCaught) {
  const auto load =
      make_checked_silicon_load({.scheme = "untracked", .transport = "doorbell"}, program_of("exit", kAll));
  test::run_load(*load, 3);
  const std::vector<std::string> problems = load->audit();
  EXPECT_THAT(problems, Contains(HasSubstr("DANGLING")));
  EXPECT_THAT(problems, Contains(HasSubstr("USED")));
}

TEST(SiliconLoad, StopEndsWhoeverWaitsForABirth) {
  const auto load =
      make_checked_silicon_load({.scheme = "refcount", .transport = "doorbell"}, program_of("exit", kAll));
  bool went_on = true;
  test::run_on_cpus(2, [&](unsigned cpu, unsigned os_cpu) {
    load->boot(cpu, os_cpu);
    if (cpu == 0) {
      // Far more than CPU 1 takes part in.
      went_on = load->run(cpu, 1'000'000'000);
    } else {
      EXPECT_TRUE(load->run(cpu, 10));
      load->stop(cpu);
    }
    load->finish(cpu);
  });
  EXPECT_FALSE(went_on);
  EXPECT_THAT(load->audit(), IsEmpty());
}

TEST(SiliconLoad, NoBirthAfterStop) {
  const auto load = make_checked_silicon_load({.scheme = "shootdown", .transport = "doorbell"},
                                              program_of("exit", kPrivate));
  test::run_on_cpus(2, [&](unsigned cpu, unsigned os_cpu) {
    load->boot(cpu, os_cpu);
    load->stop(cpu);
    EXPECT_FALSE(load->run(cpu, 5));
    load->finish(cpu);
  });
  EXPECT_THAT(load->audit(), IsEmpty());
  EXPECT_EQ(load->tally(0).mms_born + load->tally(1).mms_born, 2u);
}

// A signal may be on its way to a CPU's thread when the load is already gone, destroyed by another thread.
TEST(SiliconLoad, ALateSignalFindsNoCpu) {
  auto load = make_checked_silicon_load({.scheme = "shootdown", .transport = "signal"},
                                        find_pattern("idle")->build({.groups = std::array{0u}}));
  std::atomic<bool> finished{false};
  std::atomic<bool> destroyed{false};
  std::thread cpu([&] {
    load->boot(0, 0);
    load->run(0, 10);
    load->finish(0);
    finished = true;
    while (!destroyed) std::this_thread::yield();
    raise(SIGRTMAX);
  });
  while (!finished) std::this_thread::yield();
  EXPECT_THAT(load->audit(), IsEmpty());
  load.reset();
  destroyed = true;
  cpu.join();
}

TEST(SiliconLoad, WhatDoesNotExistIsRefused) {
  const auto refusal = [](const SiliconSpec& spec) -> std::string {
    try {
      make_silicon_load(spec, program_of("idle", kAll));
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal({.scheme = "prayer", .transport = "doorbell"}),
            "no scheme 'prayer' under lifecycle 'powerpc'");
  EXPECT_EQ(refusal({.scheme = "refcount", .lifecycle = "vax", .transport = "doorbell"}),
            "no scheme 'refcount' under lifecycle 'vax'");
  EXPECT_THROW(make_silicon_load({.scheme = "refcount", .transport = "pigeon"}, program_of("idle", kAll)),
               std::runtime_error);
}

}  // namespace
}  // namespace mmscale::workload
