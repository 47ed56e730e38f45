// SPDX-License-Identifier: MIT
//
// Every seeded fault of tests/scheme and tests/workload, found in every interleaving instead of under load.
//
// fault                                                     seen as
//
//   shootdown-filter publishes nothing                        DANGLING
//   hazptr does not scan                                      DANGLING
//   hazptr clears the slot before switch_mm                   USED, in museum_test.cc
//   mailbox forgets one borrower                              DANGLING
//   mailbox forgets the reference that it displaces           LEAK
//   mailbox drops on kernel -> kernel, too                    DANGLING
//   percpu sums without an exchange                           LEAK
//   percpu poisons before mm_count is raised                  DOUBLE-FREE
//   quiesce does not wait                                     DANGLING
//   quiesce counts switches instead of ends of borrows        DANGLING
//   shootdown leaves out the highest CPU of the mask          DANGLING
//   shootdown's handler acknowledges and does not let go      DANGLING
//   shootdown does not shoot itself                           DANGLING
//   shootdown sends an IPI that it does not account for       not here: an IPI too many breaks no rule of
//   safety, and
//                                                             accounts are the audit's
//   switch_mm forgets to set the mask bit                     DANGLING; ASSERT where borrows are counted
//   switch_mm clears the mask bit again                       DANGLING
//   refcount drops twice                                      DOUBLE-FREE
//   refcount forgets a grab                                   DANGLING
//   refcount forgets a drop                                   LEAK
//   a broken-off borrow does not move the count to init_mm    LEAK: init_mm's mm_count is wrong at the end
//   exit_mm's borrow is not counted                           DANGLING
//   the mm is freed by the scheme and again by its caller     DOUBLE-FREE
//   active_mm is looked at with preemption on                 DANGLING, where a user's thread preempts; else nothing
#include "museum.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "support/kernel_faults.h"
#include "support/scheme_faults.h"

#if !defined(__SANITIZE_THREAD__)
namespace mmscale::check {
namespace {

template <class Scheme, class Lifecycle = Powerpc>
bool finds(Violation violation, std::string_view name) {
  return shows<Scheme, Lifecycle>(violation, the_case(name));
}

TEST(SeededFaultsExplored, OfSchemes) {
  using enum Violation;
  EXPECT_TRUE(finds<test::PublishesNothing>(dangling, "exit"));
  EXPECT_TRUE(finds<test::DoesNotScan>(dangling, "exit"));
  EXPECT_TRUE(finds<test::ForgetsABorrower>(dangling, "exit"));
  EXPECT_TRUE(finds<test::ForgetsTheDisplaced>(leak, "exec"));
  EXPECT_TRUE(finds<test::DropsWhatIsStillBorrowed>(dangling, "handed-on"));
  EXPECT_TRUE(finds<test::SumsNaively>(leak, "exit"));
  EXPECT_TRUE(finds<test::PoisonsFirst>(double_free, "exit"));
  EXPECT_TRUE(finds<test::DoesNotWait>(dangling, "exit"));
  EXPECT_TRUE(finds<test::CountsSwitches>(dangling, "handed-on"));
}

TEST(SeededFaultsExplored, OfKernels) {
  using enum Violation;
  EXPECT_TRUE(finds<test::LeavesOutTheHighest>(dangling, "exit"));
  EXPECT_TRUE(finds<test::AcknowledgesOnly>(dangling, "exit"));
  EXPECT_TRUE(finds<test::SparesItself>(dangling, "alone"));
  EXPECT_TRUE((finds<scheme::Shootdown, test::ForgetsTheMask>(dangling, "exit")));
  EXPECT_TRUE((finds<scheme::Refcount, test::ForgetsTheMask>(assertion, "exit")));
  EXPECT_FALSE((finds<scheme::Refcount, test::ForgetsTheMask>(dangling, "exit")));
  EXPECT_TRUE((finds<scheme::Shootdown, test::ClearsTheBitAgain>(dangling, "exit")));
  EXPECT_TRUE(finds<test::DropsTwice<1>>(double_free, "exit"));
  EXPECT_TRUE(finds<test::ForgetsAGrab<1>>(dangling, "exit"));
  EXPECT_TRUE(finds<test::ForgetsADrop<1>>(leak, "exit"));
  EXPECT_TRUE(finds<test::UnlazyKeepsTheCount>(leak, "exit"));
  EXPECT_TRUE(finds<test::ExitIsNotCounted>(dangling, "exit"));
  EXPECT_TRUE(finds<test::FreesItself>(double_free, "exit"));
}

// A kernel thread that preempts hands the borrow back as it was. Without preemption nothing is found, in the same steps or
// in any other case of one or two CPUs.
TEST(SeededFaultsExplored, OneThatOnlyPreemptionFinds) {
  using enum Violation;
  EXPECT_TRUE(finds<test::LooksWithPreemptionOn>(dangling, "preempted-by-user"));
  EXPECT_TRUE((finds<test::LooksWithPreemptionOn, X86_2025>(dangling, "preempted-by-user")));
  EXPECT_FALSE(finds<scheme::Refcount>(dangling, "preempted-by-user"));
  Case undisturbed = the_case("preempted-by-user");
  undisturbed.more.preempted_by = Case::kNobody;
  std::vector<Case> others = {undisturbed, the_case("preempted-exit")};
  std::ranges::copy_if(cases(), std::back_inserter(others), [](const Case& one) {
    return one.cpus() <= 2 && one.more.schemes.empty() && one.concerns_lifecycle("x86-2025");
  });
  for (const Case& one : others)
    for (const Violation violation : {dangling, double_free, leak, used})
      EXPECT_FALSE((shows<test::LooksWithPreemptionOn, X86_2025>(violation, one))) << one.name;
}

}  // namespace
}  // namespace mmscale::check
#endif
