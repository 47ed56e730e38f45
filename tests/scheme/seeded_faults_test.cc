// SPDX-License-Identifier: MIT
//
// Schemes with one fault each, brought by hand into the situation that shows it. What refcount and shootdown
// can get wrong is in tests/workload/seeded_faults_test.cc.
//
//   fault                                                     seen as
//   shootdown-filter clears lazy_mm at the start of a borrow  DANGLING
//   hazptr does not scan                                      DANGLING
//   hazptr clears the slot before switch_mm                   not here: the window is inside one switch
//   mailbox forgets one borrower                              DANGLING
//   mailbox forgets the reference that it displaces           LEAK: an mm that is never freed
//   mailbox drops on kernel -> kernel, too                    DANGLING
//   percpu sums without an exchange                           LEAK: the update in between is lost
//   percpu poisons before mm_count is raised                  freed under a borrower
//   quiesce does not wait                                     DANGLING
//   quiesce counts switches instead of ends of borrows        DANGLING
//
// A fence left out (shootdown, hazptr, mailbox-fenced) does not show on x86, which keeps everything but a
// store and a later load in order; that pair is membarrier's, and showing it takes the explorer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/scheme_faults.h"
#include "support/two_processes.h"

namespace mmscale::scheme {
namespace {

using test::CountsSwitches;
using test::DoesNotScan;
using test::DoesNotWait;
using test::DropsWhatIsStillBorrowed;
using test::ForgetsABorrower;
using test::ForgetsTheDisplaced;
using test::meanwhile;
using test::PoisonsFirst;
using test::PublishesNothing;
using test::SumsNaively;
using test::TwoProcesses;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

// CPU 1 is lazy on a process when that dies on CPU 0; then both go on.
template <class Scheme>
std::vector<std::string> findings_of_an_end() {
  TwoProcesses<Scheme> k;
  typename TwoProcesses<Scheme>::Task kthread;
  k.leave_cpu_0_alone();
  k.exit(0);
  k.run(1, kthread);
  k.run(0, k.others[0]);
  k.run(1, k.others[1]);
  return k.findings();
}

TEST(SeededSchemeFaults, WithoutAnyNothingIsFound) {
  EXPECT_THAT(findings_of_an_end<ShootdownFilter>(), IsEmpty());
  EXPECT_THAT(findings_of_an_end<Hazptr>(), IsEmpty());
  EXPECT_THAT(findings_of_an_end<Mailbox>(), IsEmpty());
  EXPECT_THAT(findings_of_an_end<Percpu>(), IsEmpty());
  EXPECT_THAT(findings_of_an_end<Quiesce>(), IsEmpty());
}

TEST(SeededSchemeFaults, FilterPublishesNothing) {
  EXPECT_THAT(findings_of_an_end<PublishesNothing>(), Contains(HasSubstr("DANGLING")));
}

TEST(SeededSchemeFaults, HazptrDoesNotScan) {
  EXPECT_THAT(findings_of_an_end<DoesNotScan>(), Contains(HasSubstr("DANGLING")));
}

TEST(SeededSchemeFaults, MailboxForgetsABorrower) {
  EXPECT_THAT(findings_of_an_end<ForgetsABorrower>(), Contains(HasSubstr("DANGLING")));
}

TEST(SeededSchemeFaults, MailboxDropsOnKernelToKernel) {
  EXPECT_THAT(findings_of_an_end<DropsWhatIsStillBorrowed>(), Contains(HasSubstr("DANGLING")));
}

// An mm whose reference came too late lies in CPU 1's mailbox when the mm dies that CPU 1 borrows next.
template <class Scheme>
bool displaced_is_freed() {
  TwoProcesses<Scheme> k;
  typename TwoProcesses<Scheme>::Task late;
  auto* old = k.fork({&late});
  mmgrab(k.m(0), k.cpu(0), old);
  mmput(k.m(0), k.cpu(0), old);
  k.leave_cpu_0_alone();
  k.scheme(1).drop_mm = old;
  k.exit(0);
  k.move_on(0);
  k.move_on(1);
  EXPECT_TRUE(k.is_free(k.mm));
  return k.is_free(old);
}

TEST(SeededSchemeFaults, MailboxForgetsTheDisplacedReference) {
  EXPECT_TRUE(displaced_is_freed<Mailbox>());
  EXPECT_FALSE(displaced_is_freed<ForgetsTheDisplaced>());
}

struct End {
  bool freed_early, freed;
  std::vector<std::string> findings;
};

// CPU 1 ends its borrow while CPU 0 folds the counters.
template <class Scheme>
End percpu_end() {
  TwoProcesses<Scheme> k;
  k.leave_cpu_0_alone();
  End end{};
  meanwhile = [&] {
    k.move_on(1);
    end.freed_early = k.is_free(k.mm);
  };
  k.exit(0);
  meanwhile = nullptr;
  k.move_on(0);
  end.freed = k.is_free(k.mm);
  end.findings = k.findings();
  return end;
}

TEST(SeededSchemeFaults, PercpuSumsNaively) {
  const End end = percpu_end<SumsNaively>();
  EXPECT_FALSE(end.freed_early);
  EXPECT_FALSE(end.freed) << "the reference that CPU 1 returned has been counted again";
}

TEST(SeededSchemeFaults, PercpuPoisonsBeforeMmCountIsRaised) {
  EXPECT_TRUE(percpu_end<PoisonsFirst>().freed_early) << "by CPU 1, under CPU 0";
}

TEST(SeededSchemeFaults, QuiesceDoesNotWait) {
  EXPECT_THAT(findings_of_an_end<DoesNotWait>(), Contains(HasSubstr("DANGLING")));
}

TEST(SeededSchemeFaults, QuiesceCountsSwitches) {
  TwoProcesses<CountsSwitches> k;
  TwoProcesses<CountsSwitches>::Task kthread;
  k.leave_cpu_0_alone();
  k.exit(0);
  k.move_on(0);
  k.run(1, kthread);
  k.cpu(0).system->scheme.drain(k.m(0), k.cpu(0), kernel::Drain::tick);
  EXPECT_THAT(k.findings(), Contains("DANGLING on cpu 0 in free_mm"));
}

}  // namespace
}  // namespace mmscale::scheme
