// SPDX-License-Identifier: MIT
//
// Teardowns by real threads, under the oracle: every mm freed once, none while it is borrowed, every event
// told.
#include "workload/teardown_load.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "kernel/lifecycle/catalogue.h"
#include "scheme/catalogue.h"
#include "support/covered.h"
#include "support/run_load.h"
#include "workload/checked_loads.h"

namespace mmscale::workload {
namespace {

constexpr std::uint64_t kRounds = 100;

struct EventCounter : TeardownObserver {
  void dropped(std::uint64_t) override { ++drops; }
  void interrupted(unsigned, std::uint64_t) override { ++interruptions; }
  void freed(unsigned, std::uint64_t) override { ++frees; }
  void held(std::int64_t mms) override {
    EXPECT_GE(mms, 0);
    most_held = std::max(most_held, mms);
  }
  void drained(unsigned, std::uint64_t) override {}

  std::uint64_t drops = 0;
  std::atomic<std::uint64_t> interruptions{0};
  std::atomic<std::uint64_t> frees{0};
  std::int64_t most_held = 0;
};

struct Teardown {
  EventCounter events;
  kernel::Tally tally;
};

void tear_down(std::string_view scheme, std::string_view lifecycle, const TeardownSpec& spec,
               Teardown& outcome) {
  const auto load = make_checked_teardown_load(
      {.scheme = scheme, .lifecycle = lifecycle, .transport = "doorbell"}, spec, &outcome.events);
  outcome.tally = test::run_load(*load, kRounds);
  for (const std::string& problem : load->audit())
    ADD_FAILURE() << scheme << ", " << lifecycle << ": " << problem;
}

TEST(Teardown, EverySafeSchemeFreesEveryMmOnceAndTellsIt) {
  for (const scheme::SchemeInfo* info : scheme::Catalogue::infos())
    for (const std::string_view lifecycle : kernel::lifecycle::Catalogue::names()) {
      if (!test::covered(*info, lifecycle)) continue;
      for (const TeardownSpec spec : {TeardownSpec{.borrowers = 0}, TeardownSpec{.borrowers = 1},
                                      TeardownSpec{.borrowers = 0, .mask_only = 1}}) {
        SCOPED_TRACE(std::string(info->name) + " " + std::string(lifecycle));
        Teardown outcome;
        tear_down(info->name, lifecycle, spec, outcome);
        EXPECT_GE(outcome.events.drops, kRounds);
        EXPECT_EQ(outcome.events.interruptions, outcome.events.drops);
        EXPECT_EQ(outcome.events.frees, outcome.events.drops);
        // Two CPUs' own processes besides, and one that was born when the run ended.
        EXPECT_GE(outcome.tally.mms_freed, outcome.events.drops + 2);
        EXPECT_LE(outcome.tally.mms_freed, outcome.events.drops + 3);
      }
    }
}

TEST(Teardown, ShootdownInterruptsEveryBorrowerOnce) {
  Teardown outcome;
  tear_down("shootdown", "powerpc", {.borrowers = 1}, outcome);
  EXPECT_EQ(outcome.tally.ipis_shoot, outcome.events.drops);
  EXPECT_GE(outcome.tally.ipis_useful, outcome.events.drops);
  EXPECT_EQ(outcome.events.most_held, 0) << "freed before the drop returns";
}

TEST(Teardown, ShootdownInterruptsWhoIsOnlyInTheMaskForNothing) {
  Teardown outcome;
  tear_down("shootdown", "powerpc", {.borrowers = 0, .mask_only = 1}, outcome);
  EXPECT_EQ(outcome.tally.ipis_shoot, outcome.events.drops);
  EXPECT_GE(outcome.tally.ipis_useless, outcome.events.drops);
}

TEST(Teardown, ShootdownInterruptsNobodyWithoutAMask) {
  Teardown outcome;
  tear_down("shootdown", "powerpc", {.borrowers = 0}, outcome);
  EXPECT_EQ(outcome.tally.ipis_shoot, 0u);
}

TEST(Teardown, UnderRefcountTheBorrowerFrees) {
  Teardown outcome;
  tear_down("refcount", "powerpc", {.borrowers = 1}, outcome);
  EXPECT_EQ(outcome.tally.ipis_sent(), 0u);
  EXPECT_EQ(outcome.events.most_held, 1);
}

TEST(Teardown, ItsProgramIsOneRound) {
  const auto text = [](const TeardownSpec& spec, std::uint32_t cpu) {
    return to_string(teardown_program(spec), cpu);
  };
  EXPECT_EQ(text({.cpus = 3, .borrowers = 1, .mask_only = 1}, 0), "bear3 await_event0 put_user signal1 tick");
  EXPECT_EQ(text({.cpus = 3, .borrowers = 1, .mask_only = 1}, 1),
            "await_birth3 task3/mm3 exit signal0 await_event1 task1/mm1 tick");
  EXPECT_EQ(text({.cpus = 3, .borrowers = 1, .mask_only = 1}, 2),
            "await_birth3 task4/mm3 exit task2/mm2 signal0 await_event1 tick");
  EXPECT_EQ(text({.cpus = 2, .borrowers = 0}, 1), "await_birth2 signal0 await_event1 tick");
}

TEST(Teardown, TheOracleSeesAnUntrackedBorrower) {
  EventCounter events;
  const auto load =
      make_checked_teardown_load({.scheme = "untracked", .transport = "doorbell"}, {.borrowers = 1}, &events);
  test::run_load(*load, kRounds);
  EXPECT_FALSE(load->audit().empty());
}

TEST(Teardown, RefusesMorePartsThanCpus) {
  EXPECT_THROW(make_teardown_load({.scheme = "refcount", .transport = "doorbell"},
                                  {.cpus = 2, .borrowers = 2}, nullptr),
               std::invalid_argument);
  EXPECT_THROW(make_teardown_load({.scheme = "refcount", .transport = "doorbell"},
                                  {.cpus = 1, .borrowers = 0}, nullptr),
               std::invalid_argument);
  EXPECT_THROW(make_teardown_load({.scheme = "no-such", .transport = "doorbell"}, {}, nullptr),
               std::invalid_argument);
}

TEST(Teardown, ASlotHasRoomForWhatTheSchemeKeeps) {
  const auto bytes = [](std::string_view scheme) {
    return mm_slot_bytes({.scheme = scheme, .transport = "doorbell"}, 2);
  };
  for (const scheme::SchemeInfo* info : scheme::Catalogue::infos())
    EXPECT_GT(bytes(info->name), 0u) << info->name;
  EXPECT_GT(bytes("percpu"), bytes("refcount")) << "a counter for each CPU";
  EXPECT_THROW(bytes("no-such"), std::invalid_argument);
}

}  // namespace
}  // namespace mmscale::workload
