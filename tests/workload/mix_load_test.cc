// SPDX-License-Identifier: MIT
#include "workload/mix_load.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "support/run_load.h"
#include "workload/checked_loads.h"

namespace mmscale::workload {
namespace {

std::unique_ptr<Load> mix(std::vector<unsigned> groups, std::uint64_t lifetime, std::uint32_t think = 0) {
  return make_mix_load(make_checked_silicon_load({.scheme = "refcount", .transport = "doorbell"},
                                                 mix_program({.groups = groups, .think = think})),
                       lifetime);
}

TEST(MixProgram, IsBirthARoundAndDeath) {
  const std::vector<unsigned> groups = {0, 0};
  EXPECT_EQ(to_string(mix_program({.groups = groups}), 0), "await_birth0 task0/mm0 idle task0/mm0 exit");
  EXPECT_EQ(to_string(mix_program({.groups = groups, .think = 7}), 1),
            "await_birth0 task1/mm0 think7 idle think7 task1/mm0 think7 exit");
  EXPECT_EQ(mix_program({.groups = groups}).max_live_mms, 3u);
}

// What idling and dying costs besides is in it as in pattern `exit`.
TEST(MixProgram, HasTheCostsOfIdleAndOfDeath) {
  const std::vector<unsigned> groups = {0};
  const Program program = mix_program({.groups = groups,
                                       .death_ticks = 7,
                                       .nohz_every = 3,
                                       .idle_exit = std::chrono::nanoseconds(5),
                                       .registered = true});
  EXPECT_EQ(to_string(program, 0),
            "await_birth0 task0/mm0 busy_tick idle stop_tick3 task0/mm0 busy_tick exit stop_tick3");
  EXPECT_EQ(program.death_ticks, 7u);
  EXPECT_EQ(program.idle_exit_ns, 5u);
  EXPECT_TRUE(program.registered);
}

TEST(MixLoad, CountsSwitchesAndNotTicks) {
  const std::vector<unsigned> groups = {0};
  const auto load = make_mix_load(make_checked_silicon_load({.scheme = "refcount", .transport = "doorbell"},
                                                            mix_program({.groups = groups, .nohz_every = 2})),
                                  10);
  EXPECT_EQ(test::run_load(*load, 1000).mms_born, 201u);
  EXPECT_TRUE(load->audit().empty());
}

// On one CPU it is exact: 1,000 rounds are 2,000 switches, and every `lifetime` of them end in an exit. One
// more thread is alive at the end.
TEST(MixLoad, ExitsOnceInALifetime) {
  for (const std::uint64_t lifetime : {2, 4, 10, 100, 1000}) {
    for (const std::uint32_t think : {0u, 5u}) {
      const auto load = mix({0}, lifetime, think);
      const kernel::Tally tally = test::run_load(*load, 1000);
      EXPECT_TRUE(load->audit().empty());
      const std::uint64_t during = 2000 / lifetime;
      EXPECT_EQ(tally.mms_freed, tally.mms_born);
      EXPECT_EQ(tally.mms_born, during + 1) << lifetime;
    }
  }
}

TEST(MixLoad, WithLifetimeZeroNobodyExits) {
  const auto load = mix({0}, 0);
  EXPECT_EQ(test::run_load(*load, 1000).mms_born, 1u);
  EXPECT_TRUE(load->audit().empty());
}

TEST(MixLoad, ManyShortRunsAreAsOneLong) {
  const auto load = mix({0}, 10);
  test::run_on_cpus(1, [&](unsigned cpu, unsigned os_cpu) {
    load->boot(cpu, os_cpu);
    for (int i = 0; i < 1000; ++i) load->run(cpu, 1);
    load->stop(cpu);
    load->finish(cpu);
  });
  EXPECT_EQ(load->tally(0).mms_born, 201u);
  EXPECT_TRUE(load->audit().empty());
}

TEST(MixLoad, TwoCpusInOneMm) {
  const auto load = mix({0, 0}, 10);
  const kernel::Tally tally = test::run_load(*load, 1000);
  EXPECT_TRUE(load->audit().empty());
  EXPECT_GE(tally.mms_born, 200u);
  EXPECT_EQ(tally.mms_freed, tally.mms_born);
}

TEST(MixLoad, ARoundIsTwoSwitches) { EXPECT_EQ(mix({0}, 10)->switches_per_round(0), 2u); }

TEST(MixLoad, RefusesAnOddLifetime) { EXPECT_THROW(mix({0}, 3), std::invalid_argument); }

}  // namespace
}  // namespace mmscale::workload
