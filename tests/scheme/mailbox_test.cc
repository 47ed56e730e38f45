// SPDX-License-Identifier: MIT
#include "scheme/mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/lifecycle/x86_2017.h"
#include "scheme/mailbox_fenced.h"
#include "support/two_processes.h"

namespace mmscale::scheme {
namespace {

using test::TwoProcesses;
using testing::IsEmpty;

template <class Scheme>
class MailboxSchemes : public testing::Test {};
using Both = testing::Types<Mailbox, MailboxFenced>;
TYPED_TEST_SUITE(MailboxSchemes, Both);

TYPED_TEST(MailboxSchemes, ABorrowCountsNothing) {
  TwoProcesses<TypeParam> k;
  k.run(1, k.threads[1]);
  k.idle(1);
  EXPECT_EQ(k.mm_count(k.mm), 1);
  EXPECT_EQ(k.scheme(1).lazy_mm, k.mm);
  k.move_on(1);
  EXPECT_EQ(k.scheme(1).lazy_mm, nullptr);
}

TYPED_TEST(MailboxSchemes, TheLastUserHandsEachBorrowerAReference) {
  TwoProcesses<TypeParam> k;
  k.leave_cpu_0_alone();
  k.exit(0);
  EXPECT_EQ(k.mm_count(k.mm), 2);
  for (unsigned n : {0u, 1u}) EXPECT_EQ(k.scheme(n).drop_mm, k.mm);
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
  k.move_on(0);
  EXPECT_EQ(k.scheme(0).drop_mm, nullptr);
  EXPECT_FALSE(k.is_free(k.mm));
  k.move_on(1);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_EQ(k.cpu(1).tally.mms_freed, 1u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(MailboxSchemes, WhoMovedOnGetsNone) {
  TwoProcesses<TypeParam> k;
  k.leave_cpu_0_alone();
  k.move_on(1);
  k.exit(0);
  EXPECT_EQ(k.mm_count(k.mm), 1);
  EXPECT_EQ(k.scheme(1).drop_mm, nullptr);
}

// A kernel thread after the other on the same borrow: the reference is for as long as that lasts.
TYPED_TEST(MailboxSchemes, AHandedOnBorrowKeepsItsReference) {
  TwoProcesses<TypeParam> k;
  typename TwoProcesses<TypeParam>::Task kthread;
  k.leave_cpu_0_alone();
  k.exit(0);
  k.run(1, kthread);
  k.idle(1);
  EXPECT_EQ(k.scheme(1).drop_mm, k.mm);
  k.move_on(0);
  EXPECT_FALSE(k.is_free(k.mm));
  k.move_on(1);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

// A reference that came after its borrow had ended lies in the mailbox when the next mm dies.
TYPED_TEST(MailboxSchemes, ADisplacedReferenceIsDropped) {
  TwoProcesses<TypeParam> k;
  k.leave_cpu_0_alone();
  k.exit(0);
  k.move_on(0);
  k.move_on(1);
  ASSERT_TRUE(k.is_free(k.mm));
  typename TwoProcesses<TypeParam>::Task late;
  auto* old = k.fork({&late});
  k.scheme(1).drop_mm = old;
  mmgrab(k.m(0), k.cpu(0), old);
  mmput(k.m(0), k.cpu(0), old);
  ASSERT_EQ(k.mm_count(old), 1) << "the one in the mailbox";

  // Without a switch of CPU 1, which would empty it.
  k.exit(0);
  auto* mailbox = &k.scheme(1);
  mailbox->lazy_mm = k.other_mm;
  k.other_mm->mm_users = 1;
  mmput(k.m(0), k.cpu(0), k.other_mm);
  EXPECT_TRUE(k.is_free(old));
  EXPECT_EQ(mailbox->drop_mm, k.other_mm);
  EXPECT_FALSE(k.is_free(k.other_mm));
}

TYPED_TEST(MailboxSchemes, DoesNotCareForTheMask) {
  TwoProcesses<TypeParam, kernel::lifecycle::X86_2017> k;
  k.leave_cpu_0_alone();
  k.exit(0);
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_EQ(k.mm_count(k.mm), 2);
  k.move_on(0);
  k.move_on(1);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(MailboxSchemes, AStoppedCpuEmptiesItsMailbox) {
  TwoProcesses<TypeParam> k;
  k.leave_cpu_0_alone();
  k.exit(0);
  k.drain();
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

}  // namespace
}  // namespace mmscale::scheme
