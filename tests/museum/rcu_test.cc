// SPDX-License-Identifier: MIT
//
// The museum's room of grace periods.
#include "museum.h"

#include <string_view>

#include "scheme/rcu.h"
#include "scheme/refcount_rcu.h"

#if !defined(__SANITIZE_THREAD__)
namespace mmscale::check {
namespace {

// CPU 1 works as a kernel thread, lazy on the mm that dies on CPU 0, and then goes idle: a kernel -> kernel
// switch. It is busy until then, so that nothing but the switch can end the grace period.
const Case kBusyKthread = {
    .name = "busy-kthread",
    .what = "a kernel thread on CPU 1, lazy on the mm that dies on CPU 0, hands the borrow on",
    .task_mm = {0, 1},
    .before = {{1, {Act::run, 0}}, {1, {Act::kthread}}, {0, {Act::run, 0}}},
    .programs = {{{Act::exit}, {Act::run, 1}, {Act::tick}}, {{Act::idle}}}};

TEST(Museum, AKernelToKernelSwitchIsAQuiescentStateAndEndsNoBorrow) {
  EXPECT_TRUE((shows<scheme::Rcu, Powerpc>(Violation::dangling, kBusyKthread)));
  EXPECT_FALSE((shows<scheme::RefcountRcu, Powerpc>(Violation::dangling, kBusyKthread)));
}

// Idle is one long quiescent state, and where lazy CPUs mostly are.
TEST(Museum, IdleIsNoQuiescentStateForABorrow) {
  EXPECT_TRUE((shows<scheme::Rcu, Powerpc>(Violation::dangling, the_case("exit"))));
  EXPECT_FALSE((shows<scheme::RefcountRcu, Powerpc>(Violation::dangling, the_case("exit"))));
}

// Whom a grace period is enough for: the drop in finish_task_switch, which only must not free there.
TEST(Museum, ADeferredFreeingLosesNothing) {
  for (const Violation violation : {Violation::used, Violation::leak, Violation::double_free})
    for (const std::string_view name : {"exit", "handed-on", "kthread-uses"})
      EXPECT_FALSE((shows<scheme::RefcountRcu, Powerpc>(violation, the_case(name)))) << name;
}

}  // namespace
}  // namespace mmscale::check
#endif
