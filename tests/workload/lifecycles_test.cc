// SPDX-License-Identifier: MIT
//
// Workloads under the architectures' rules on two real CPUs: what they add to the plain switch, and that what
// is unsafe is seen. That every safe combination adds up is in silicon_load_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/lifecycle/catalogue.h"
#include "kernel/tally.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"
#include "support/run_load.h"
#include "workload/checked_loads.h"
#include "workload/patterns.h"
#include "workload/silicon_load.h"

namespace mmscale::workload {
namespace {

using test::kAll;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

struct Outcome {
  kernel::Tally sum;
  std::vector<std::string> problems;
};

Outcome run(SiliconSpec spec, std::string_view pattern, PatternParameters parameters, std::uint64_t rounds) {
  spec.transport = "doorbell";
  parameters.groups = kAll;
  const auto load = make_checked_silicon_load(spec, find_pattern(pattern)->build(parameters));
  const kernel::Tally sum = test::run_load(*load, rounds);
  return {sum, load->audit()};
}

TEST(Lifecycles, ShootdownDanglesOnX86From2017) {
  const auto [sum, problems] =
      run({.scheme = "shootdown", .lifecycle = "x86-2017"}, "exit", {.lifetime = 4}, 20);
  EXPECT_THAT(problems, Contains(HasSubstr("DANGLING")));
}

// One pass of the server unmaps often enough for a lazy CPU to lose its bit; the process dies at the end.
TEST(Lifecycles, DeepIdleMakesShootdownDangleOnX86From2024) {
  const auto [sum, problems] =
      run({.scheme = "shootdown", .lifecycle = "x86-2024"}, "exit", {.lifetime = 4, .deep_idle = true}, 200);
  EXPECT_THAT(problems, Contains(HasSubstr("DANGLING")));
}

TEST(Lifecycles, NoneOfThisHarmsRefcount) {
  for (std::string_view lifecycle : kernel::lifecycle::Catalogue::names())
    for (bool deep_idle : {false, true})
      for (bool page_tables : {false, true}) {
        SCOPED_TRACE(lifecycle);
        const auto [sum, problems] =
            run({.scheme = "refcount", .lifecycle = lifecycle}, "exit",
                {.lifetime = 4, .deep_idle = deep_idle, .page_tables = page_tables}, 50);
        EXPECT_THAT(problems, IsEmpty());
        EXPECT_GE(sum.mms_freed, 50u);
      }
}

TEST(Lifecycles, WithoutPageTablesNothingIsFlushedAtExit) {
  const auto ipis = [](bool page_tables) {
    return run({.scheme = "refcount", .lifecycle = "x86-2024"}, "exit",
               {.lifetime = 4, .page_tables = page_tables}, 50)
        .sum.ipis_exit_flush;
  };
  EXPECT_GE(ipis(true), 50u);
  EXPECT_EQ(ipis(false), 0u);
}

TEST(Lifecycles, AServersUnmapsInterruptWhereTheTlbIsFlushedByInterrupt) {
  for (std::string_view lifecycle : kernel::lifecycle::Catalogue::names()) {
    SCOPED_TRACE(lifecycle);
    const auto [sum, problems] =
        run({.scheme = "refcount", .lifecycle = lifecycle}, "server", {.lifetime = 10}, 100);
    EXPECT_THAT(problems, IsEmpty());
    const bool by_interrupt =
        lifecycle.starts_with("x86") || lifecycle == "riscv" || lifecycle == "loongarch";
    EXPECT_EQ(sum.ipis_flush > 0, by_interrupt) << sum.ipis_flush;
  }
}

TEST(Workloads, AioTurnsLazyReferencesIntoRealOnesAndBack) {
  const auto [sum, problems] = run({.scheme = "refcount"}, "aio", {}, 100);
  EXPECT_THAT(problems, IsEmpty());
  // A request: lazy in the worker, returned by use_mm; lazy by unuse_mm, returned by the user's next turn.
  EXPECT_GE(sum.lazy_grabs, 2 * 2 * 100u);
}

TEST(Workloads, ExecFreesAnMmForEachProgram) {
  const auto [sum, problems] = run({.scheme = "shootdown"}, "exec", {.lifetime = 4}, 100);
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_GE(sum.mms_born, 2 * 2 * 100u);
  EXPECT_EQ(sum.mms_freed, sum.mms_born);
}

TEST(Workloads, ABuildsMigrationLeavesALazyCpuBehind) {
  const auto ipis = [](std::uint32_t migrate_every) {
    const auto [sum, problems] = run({.scheme = "shootdown", .lifecycle = "powerpc-hash"}, "build",
                                     {.lifetime = 8, .migrate_every = migrate_every}, 100);
    EXPECT_THAT(problems, IsEmpty());
    return sum.ipis_shoot;
  };
  EXPECT_EQ(ipis(0), 0u);
  EXPECT_GE(ipis(4), 100u);
}

// The munmap before the exit is a flush by a single-threaded process: on radix it trims the mask, so the IPI
// is spent there and none is left for the last drop.
TEST(Workloads, OnRadixABuildsOwnFlushesTrimTheMask) {
  const auto [sum, problems] =
      run({.scheme = "shootdown", .lifecycle = "powerpc"}, "build", {.lifetime = 8, .migrate_every = 4}, 100);
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_GE(sum.ipis_trim, 100u);
  EXPECT_EQ(sum.ipis_shoot, 0u);
}

TEST(Workloads, AServersThreadsComeAndGo) {
  const auto [sum, problems] = run({.scheme = "refcount"}, "server", {.lifetime = 4}, 100);
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_EQ(sum.mms_born, 1u);
  EXPECT_GE(sum.exits, 2 * 100u);
}

TEST(Workloads, HotplugIsSafeInTheNewOrder) {
  for (std::string_view scheme : {"refcount", "shootdown"}) {
    SCOPED_TRACE(scheme);
    EXPECT_THAT(run({.scheme = scheme}, "hotplug", {.lifetime = 4}, 200).problems, IsEmpty());
  }
}

TEST(Workloads, HotplugInTheOldOrderIsSafeForRefcount) {
  EXPECT_THAT(run({.scheme = "refcount", .rules = {.hotplug = kernel::Hotplug::before}}, "hotplug",
                  {.lifetime = 4}, 200)
                  .problems,
              IsEmpty());
}

TEST(Options, ExistUnderEveryLifecycle) {
  for (const std::string_view lifecycle : kernel::lifecycle::Catalogue::names())
    for (const kernel::Options options :
         {kernel::Options{.mm_cid = kernel::MmCid::v6_4}, kernel::Options{.rq_lock = true},
          kernel::Options{.mm_cid = kernel::MmCid::v6_4, .rq_lock = true}}) {
      SCOPED_TRACE(lifecycle);
      EXPECT_THAT(
          run({.scheme = "refcount", .lifecycle = lifecycle, .options = options}, "exit", {}, 5).problems,
          IsEmpty());
    }
}

TEST(Names, ThatDoNotExistAreRefused) {
  EXPECT_THROW(run({.scheme = "no-such"}, "idle", {}, 1), std::invalid_argument);
  EXPECT_THROW(run({.scheme = "refcount", .lifecycle = "no-such"}, "idle", {}, 1), std::invalid_argument);
}

// Lifecycles with one fault each.
template <class Scheme, class Lifecycle>
std::vector<std::string> problems_of(std::string_view pattern) {
  using Machine = machine::silicon::Silicon<true>;
  SiliconLoad<Machine> load(kernel::build_of<Scheme, Lifecycle, Machine>(),
                            {.scheme = {}, .transport = "doorbell"},
                            find_pattern(pattern)->build({.groups = kAll, .lifetime = 4}));
  test::run_load(load, 20);
  return load.audit();
}

// switch_mm forgets its own bit.
struct ForgottenBit : kernel::lifecycle::X86ExactMask {
  template <class M>
  static void check_own_bit(M&, kernel::Cpu<M>&, kernel::Mm<M>*) {}
  template <class M>
  static void enter_mask(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>*, kernel::Mm<M>*) {
    m.store(cpu.loaded_mm, kernel::lifecycle::loaded_mm_switching<kernel::Mm<M>>(),
            std::memory_order_relaxed);
  }
};
struct ForgetsTheBit : kernel::lifecycle::X86<ForgetsTheBit, kernel::lifecycle::X86Switch<ForgottenBit>> {};

TEST(SeededLifecycleFaults, AForgottenMaskBitIsSeen) {
  EXPECT_THAT((problems_of<scheme::Refcount, ForgetsTheBit>("idle")), Contains(HasSubstr("ASSERT on cpu")));
}

// enter_deep_idle moves loaded_mm with interrupts on.
struct LeavesWithInterruptsOn : kernel::lifecycle::X86_2024 {
  template <class M>
  static void enter_deep_idle(M& m, kernel::Cpu<M>& cpu) {
    switch_mm_irqs_off<M>(m, cpu, nullptr, &cpu.system->init_mm);
  }
};

TEST(SeededLifecycleFaults, SwitchMmWithInterruptsOnIsSeen) {
  using Machine = machine::silicon::Silicon<true>;
  SiliconLoad<Machine> load(kernel::build_of<scheme::Refcount, LeavesWithInterruptsOn, Machine>(),
                            {.scheme = {}, .transport = "doorbell"},
                            find_pattern("idle")->build({.groups = kAll, .deep_idle = true}));
  test::run_load(load, 2);
  EXPECT_THAT(load.audit(), Contains(HasSubstr("in switch_mm_irqs_off")));
}

// The exit flush that forgot get_cpu(), as powerpc's once did.
struct FlushesWithPreemptionOn : kernel::lifecycle::Powerpc {
  template <class M>
  static void exit_flush(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm) {
    kernel::smp_call_function_many(
        m, cpu, mm, [](M& target, void*) { ++kernel::this_cpu(target).tally.ipis_useless; },
        &kernel::Tally::ipis_exit_flush);
  }
};

TEST(SeededLifecycleFaults, AFlushWithPreemptionOnIsSeen) {
  EXPECT_THAT((problems_of<scheme::Refcount, FlushesWithPreemptionOn>("exit")),
              Contains(HasSubstr("with preemption on")));
}

}  // namespace
}  // namespace mmscale::workload
