// SPDX-License-Identifier: MIT
//
// kthread_use_mm and kthread_unuse_mm, by hand: a real reference and a lazy one are two things.
#include "kernel/kthread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/lifecycle/arm64.h"
#include "kernel/lifecycle/x86_2017.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"
#include "support/by_hand.h"

namespace mmscale::kernel {
namespace {

using test::Build;
using test::ByHand;
using test::kBorrow;
using testing::IsEmpty;

// CPU 0 ran a thread of `mm`; now a kernel thread borrows it there.
template <class Build>
struct Borrowing : ByHand<typename Build::Scheme, typename Build::Lifecycle> {
  using Base = ByHand<typename Build::Scheme, typename Build::Lifecycle>;

  Borrowing() : Base(2), mm(this->fork({&user, &on_1})), other_mm(this->fork({&other})) {
    this->run(0, user);
    this->run(0, kthread);
  }
  void use(typename Base::Mm* which) { kthread_use_mm(this->m(0), this->cpu(0), which); }
  void unuse() { kthread_unuse_mm(this->m(0), this->cpu(0)); }

  typename Base::Task user, on_1, other, kthread;
  typename Base::Mm* mm;
  typename Base::Mm* other_mm;
};

template <class Build>
class KthreadUseMm : public testing::Test {};
using KthreadBuilds =
    testing::Types<Build<scheme::Refcount, lifecycle::Powerpc>, Build<scheme::Shootdown, lifecycle::Powerpc>,
                   Build<scheme::Refcount, lifecycle::X86_2017>, Build<scheme::Refcount, lifecycle::Arm64>,
                   Build<scheme::Shootdown, lifecycle::Arm64>>;
TYPED_TEST_SUITE(KthreadUseMm, KthreadBuilds);

TYPED_TEST(KthreadUseMm, OfAnotherMmEndsTheBorrow) {
  Borrowing<TypeParam> k;
  EXPECT_EQ(k.mm_count(k.mm), 1 + kBorrow<typename TypeParam::Scheme>);
  k.use(k.other_mm);
  EXPECT_EQ(k.kthread.mm, k.other_mm);
  EXPECT_EQ(k.active(0), k.other_mm);
  EXPECT_EQ(k.cpu(0).loaded_mm, k.other_mm);
  EXPECT_EQ(k.mm_count(k.mm), 1);
  EXPECT_EQ(k.mm_count(k.other_mm), 2) << "the real reference";
  EXPECT_FALSE(k.m(0).irqs_disabled());
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(KthreadUseMm, OfTheBorrowedMmSwapsTheReferences) {
  Borrowing<TypeParam> k;
  const Tally before = k.sum();
  k.use(k.mm);
  EXPECT_EQ(k.mm_count(k.mm), 2);
  EXPECT_EQ(k.sum().since(before).lazy_drops, static_cast<unsigned>(kBorrow<typename TypeParam::Scheme>));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(KthreadUseMm, UnuseBorrowsAgain) {
  Borrowing<TypeParam> k;
  k.use(k.other_mm);
  k.unuse();
  EXPECT_EQ(k.kthread.mm, nullptr);
  EXPECT_EQ(k.active(0), k.other_mm);
  EXPECT_EQ(k.mm_count(k.other_mm), 1 + kBorrow<typename TypeParam::Scheme>);
  k.idle(0);
  EXPECT_EQ(k.active(0), k.other_mm) << "handed on";
  k.run(0, k.user);
  EXPECT_EQ(k.mm_count(k.other_mm), 1);
  EXPECT_THAT(k.findings(), IsEmpty());
}

// A user of the mm like any other: an exit flush elsewhere leaves it in the mask, which racing with it once
// did not.
TYPED_TEST(KthreadUseMm, FlushesLeaveTheUserInTheMask) {
  Borrowing<TypeParam> k;
  k.use(k.mm);
  k.run(1, k.on_1);
  k.flush(1, k.mm);
  EXPECT_EQ(k.active(0), k.mm);
  EXPECT_EQ(k.cpu(0).loaded_mm, k.mm);
  k.unuse();
  EXPECT_THAT(k.findings(), IsEmpty());
}

// The thread whose mm it was ends while the kernel thread is in it: the kernel thread is the last user.
TYPED_TEST(KthreadUseMm, TheLastUserMayBeAKernelThread) {
  using Kernel = Borrowing<TypeParam>;
  Kernel k;
  mmget(k.m(0), k.other_mm);
  k.use(k.other_mm);
  k.run(1, k.other);
  EXPECT_FALSE(k.exit(1));
  k.unuse();
  EXPECT_TRUE(mmput(k.m(0), k.cpu(0), k.other_mm));
  k.idle(0);
  k.drain();
  EXPECT_TRUE(k.is_free(k.other_mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

}  // namespace
}  // namespace mmscale::kernel
