// SPDX-License-Identifier: MIT
//
// Somebody who only pins the struct (mmgrab: kvm, /proc/pid/mem) makes the last drop: on a CPU that never ran
// the process, long after it died.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/lifecycle/arm64.h"
#include "kernel/lifecycle/powerpc_hash.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"
#include "support/by_hand.h"

namespace mmscale::kernel {
namespace {

using test::Build;
using test::ByHand;
using testing::IsEmpty;

// A process on CPU 0 and CPU 1 that somebody on CPU 2 holds the struct of.
template <class Build>
struct Held : ByHand<typename Build::Scheme, typename Build::Lifecycle> {
  using Base = ByHand<typename Build::Scheme, typename Build::Lifecycle>;

  Held() : Base(3), mm(this->fork({&on_0, &on_1})) {
    this->run(0, on_0);
    this->run(1, on_1);
    mmgrab(this->m(2), this->cpu(2), mm);
  }
  void drop() { mmdrop(this->m(2), this->cpu(2), mm, Site::mmdrop); }

  typename Base::Task on_0, on_1;
  typename Base::Mm* mm;
};

template <class Build>
class StructRef : public testing::Test {};
using StructRefBuilds =
    testing::Types<Build<scheme::Refcount, lifecycle::Powerpc>, Build<scheme::Shootdown, lifecycle::Powerpc>,
                   Build<scheme::Shootdown, lifecycle::PowerpcHash>,
                   Build<scheme::Shootdown, lifecycle::Arm64>>;
TYPED_TEST_SUITE(StructRef, StructRefBuilds);

TYPED_TEST(StructRef, OutlivesTheProcess) {
  Held<TypeParam> k;
  k.exit(1);
  EXPECT_TRUE(k.exit(0)) << "the address space is gone";
  EXPECT_FALSE(k.is_free(k.mm));
  k.drop();
  for (unsigned n : {0u, 1u})
    if (k.active(n) == k.mm) k.unlazy(n, k.mm);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(StructRef, DroppedEarlierIsNotTheLast) {
  Held<TypeParam> k;
  k.drop();
  EXPECT_FALSE(k.is_free(k.mm));
  k.exit(1);
  k.exit(0);
  k.drain();
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(StructRefShootdown, TheDropperInterruptsBothBorrowers) {
  Held<Build<scheme::Shootdown, lifecycle::Powerpc>> k;
  k.exit(1);
  k.exit(0);
  EXPECT_EQ(k.active(0), k.mm) << "lazy on a dead mm, still pinned";
  EXPECT_EQ(k.sum().ipis_sent(), 0u);
  k.drop();
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_EQ(k.cpu(2).tally.ipis_shoot, 2u);
  EXPECT_EQ(k.cpu(2).tally.mms_freed, 1u);
  EXPECT_EQ(k.sum().ipis_useful, 2u);
}

}  // namespace
}  // namespace mmscale::kernel
