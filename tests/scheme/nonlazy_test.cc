// SPDX-License-Identifier: MIT
#include "scheme/nonlazy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/kthread.h"
#include "kernel/lifecycle/x86_2024.h"
#include "machine/silicon/clock.h"
#include "support/two_processes.h"

namespace mmscale::scheme {
namespace {

using test::TwoProcesses;
using testing::IsEmpty;

template <class Lifecycle>
class NonlazyUnder : public testing::Test {};
using StallingLifecycles = testing::Types<kernel::lifecycle::Powerpc, kernel::lifecycle::X86_2024>;
TYPED_TEST_SUITE(NonlazyUnder, StallingLifecycles);

TYPED_TEST(NonlazyUnder, NobodyEverBorrowsAUserMm) {
  TwoProcesses<Nonlazy, TypeParam> k;
  typename TwoProcesses<Nonlazy, TypeParam>::Task kthread;
  const auto expect_init_mm = [&k](unsigned n) {
    EXPECT_EQ(k.active(n), k.init_mm());
    EXPECT_EQ(k.cpu(n).loaded_mm, k.init_mm());
  };
  k.run(0, k.threads[0]);
  k.idle(0);
  expect_init_mm(0);
  k.run(0, kthread);
  kthread_use_mm(k.m(0), k.cpu(0), k.mm);
  EXPECT_EQ(k.cpu(0).loaded_mm, k.mm);
  kthread_unuse_mm(k.m(0), k.cpu(0));
  expect_init_mm(0);
  k.leave_cpu_0_alone();
  expect_init_mm(1);
  k.exit(0);
  expect_init_mm(0);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_EQ(k.sum().ipis_shoot, 0u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(Nonlazy, StallsEachWay) {
  constexpr std::uint32_t kTicks = 1'000'000;
  TwoProcesses<Nonlazy> k({.tuning = {.switch_ticks = kTicks}});
  const auto ticks_of = [&k](auto& next) {
    const std::uint64_t start = machine::silicon::ticks();
    k.run(0, next);
    return machine::silicon::ticks() - start;
  };
  EXPECT_GE(ticks_of(k.threads[0]), kTicks);
  EXPECT_GE(ticks_of(k.idle_task(0)), kTicks);
}

}  // namespace
}  // namespace mmscale::scheme
