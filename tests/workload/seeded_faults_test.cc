// SPDX-License-Identifier: MIT
//
// Kernels with one fault each, run like any other. If one of these went unnoticed, so would the same fault in
// a scheme.
//
//   fault                                                            seen as
//   shootdown leaves out the highest CPU of the mask                 DANGLING or USED
//   shootdown's handler acknowledges and does not let go             USED
//   shootdown does not shoot itself                                  DANGLING
//   shootdown sends an IPI that it does not account for              IPIs against requests
//   switch_mm forgets to set the mask bit                            DANGLING
//   switch_mm clears the mask bit again                             DANGLING
//   refcount drops twice now and then                                DANGLING, DOUBLE-FREE
//   refcount forgets a grab now and then                             DANGLING, references taken against
//   returned refcount forgets a drop now and then                             mms freed against born refcount
//   does not move the count when a borrow is broken off     init_mm's mm_count exit_mm's borrow is not
//   counted                                  DANGLING the mm is freed by the scheme and again by its caller
//   DOUBLE-FREE
//
// What runs on x86 cannot show a missing fence between accesses that x86 keeps in order anyway, and a
// store-load reordering only by luck: membarrier's barriers and a hazard pointer's are the explorer's to
// check, not these tests'.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "support/kernel_faults.h"
#include "support/run_load.h"
#include "workload/patterns.h"
#include "workload/silicon_load.h"

namespace mmscale::workload {
namespace {

using kernel::lifecycle::Powerpc;
using test::AcknowledgesOnly;
using test::ClearsTheBitAgain;
using test::DropsTwice;
using test::ExitIsNotCounted;
using test::ForgetsADrop;
using test::ForgetsAGrab;
using test::ForgetsTheMask;
using test::FreesItself;
using test::kAll;
using test::kPrivate;
using test::LeavesOutTheHighest;
using test::SendsInSecret;
using test::SparesItself;
using test::UnlazyKeepsTheCount;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// What the audit says after some rounds of the pattern.
template <class Scheme, class Lifecycle = Powerpc>
std::vector<std::string> problems_of(std::string_view pattern, const std::array<unsigned, 2>& groups,
                                     std::uint64_t rounds = 5) {
  using Machine = machine::silicon::Silicon<true>;
  SiliconLoad<Machine> load(kernel::build_of<Scheme, Lifecycle, Machine>(),
                            {.scheme = {}, .transport = "doorbell"},
                            find_pattern(pattern)->build({.groups = groups, .lifetime = 4}));
  test::run_load(load, rounds);
  return load.audit();
}

TEST(SeededFaults, WithoutAnyNothingIsFound) {
  for (std::string_view pattern : {"idle", "exit"})
    for (const auto& groups : {kAll, kPrivate}) {
      EXPECT_THAT(problems_of<scheme::Shootdown>(pattern, groups), IsEmpty());
      EXPECT_THAT(problems_of<scheme::Refcount>(pattern, groups), IsEmpty());
    }
}

// The CPU left out is lazy on the mm: the next thing it does with it is a use, if it was not seen when it was
// freed.
TEST(SeededFaults, ShootdownLeavesOutTheHighestCpu) {
  EXPECT_THAT(problems_of<LeavesOutTheHighest>("exit", kAll), Contains(HasSubstr("USED")));
}

TEST(SeededFaults, ShootdownHandlerDoesNotLetGo) {
  EXPECT_THAT(problems_of<AcknowledgesOnly>("exit", kAll), Contains(HasSubstr("USED")));
}

TEST(SeededFaults, ShootdownSparesItself) {
  for (const auto& groups : {kAll, kPrivate})
    EXPECT_THAT(problems_of<SparesItself>("exit", groups), Contains(HasSubstr("DANGLING")));
}

TEST(SeededFaults, ShootdownSendsAnIpiUnaccountedFor) {
  EXPECT_THAT(problems_of<SendsInSecret>("exit", kAll), Contains(HasSubstr("requests queued")));
}

TEST(SeededFaults, SwitchMmForgetsTheMask) {
  EXPECT_THAT((problems_of<scheme::Shootdown, ForgetsTheMask>("exit", kAll)),
              Contains(HasSubstr("DANGLING")));
  EXPECT_THAT((problems_of<scheme::Refcount, ForgetsTheMask>("exit", kAll)),
              AllOf(Contains(HasSubstr("not in its mm's mask")), Not(Contains(HasSubstr("DANGLING")))))
      << "the kernel's own assertion sees it, but who counts needs no mask to live";
}

TEST(SeededFaults, SwitchMmClearsTheBitAgain) {
  EXPECT_THAT((problems_of<scheme::Shootdown, ClearsTheBitAgain>("exit", kAll)),
              Contains(HasSubstr("DANGLING")));
}

// The extra drop takes the threads' own reference: freed while they run, and once more when they have exited.
TEST(SeededFaults, RefcountDropsTwice) {
  const std::vector<std::string> problems = problems_of<DropsTwice<5>>("idle", kPrivate, 8);
  EXPECT_THAT(problems, Contains(HasSubstr("DANGLING")));
  EXPECT_THAT(problems, Contains(HasSubstr("DOUBLE-FREE")));
}

TEST(SeededFaults, RefcountForgetsAGrab) {
  const std::vector<std::string> problems = problems_of<ForgetsAGrab<5>>("idle", kPrivate, 8);
  EXPECT_THAT(problems, Contains(HasSubstr("DANGLING")));
  EXPECT_THAT(problems, Contains(HasSubstr("lazy references taken")));
}

TEST(SeededFaults, RefcountForgetsADrop) {
  EXPECT_THAT(problems_of<ForgetsADrop<5>>("idle", kPrivate, 8),
              Contains(HasSubstr("mms freed, against born")));
}

TEST(SeededFaults, RefcountUnlazyDoesNotCountInitMm) {
  EXPECT_THAT(problems_of<UnlazyKeepsTheCount>("idle", kAll), Contains(HasSubstr("init_mm's mm_count")));
}

TEST(SeededFaults, ExitMmDoesNotCountItsBorrow) {
  EXPECT_THAT(problems_of<ExitIsNotCounted>("idle", kPrivate), Contains(HasSubstr("DANGLING")));
}

TEST(SeededFaults, SchemeAndCallerBothFree) {
  EXPECT_THAT(problems_of<FreesItself>("exit", kAll), Contains(HasSubstr("DOUBLE-FREE")));
}

}  // namespace
}  // namespace mmscale::workload
