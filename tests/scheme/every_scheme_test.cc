// SPDX-License-Identifier: MIT
//
// What every scheme of the catalogue must do, whatever its idea: lives of processes on two CPUs driven by
// hand, under the oracle. What a scheme that is not safe does to them is its own business.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/lifecycle/powerpc.h"
#include "scheme/catalogue.h"
#include "support/by_hand.h"
#include "support/scheme_types.h"

namespace mmscale::scheme {
namespace {

using test::ByHand;
using testing::AnyOf;
using testing::IsEmpty;

constexpr bool safe_on_powerpc(const SchemeInfo& info) {
  const Safety* safety = info.under(kernel::lifecycle::Powerpc::kName);
  return safety != nullptr && safety->safe;
}

// Everybody has exited and idles: what must hold at the end, oracle and books.
template <class Scheme, class Kernel>
void expect_a_clean_end(Kernel& k, unsigned cpus) {
  k.drain();
  if (!safe_on_powerpc(Scheme::kInfo)) return;
  EXPECT_THAT(k.findings(), IsEmpty());
  const Tally sum = k.sum();
  EXPECT_EQ(sum.mms_freed, sum.mms_born);
  EXPECT_EQ(sum.ipis_useful + sum.ipis_useless, sum.ipis_sent());
  const unsigned on_init_mm = Scheme::kCounted ? cpus : 0;
  EXPECT_EQ(k.mm_count(k.init_mm()), 1 + static_cast<int>(on_init_mm));
  EXPECT_EQ(sum.lazy_grabs + sum.lazy_grabs_unlazy, sum.lazy_drops + sum.lazy_drops_unlazy + on_init_mm);
  for (unsigned n = 0; n < cpus; ++n) {
    EXPECT_EQ(k.active(n), k.init_mm());
    EXPECT_EQ(k.cpu(n).loaded_mm, k.init_mm());
  }
}

template <class Scheme>
class EveryScheme : public testing::Test {
 protected:
  using Kernel = ByHand<Scheme>;
};
TYPED_TEST_SUITE(EveryScheme, test::SchemeTypes, test::SchemeName);

TYPED_TEST(EveryScheme, LeavesUsersAloneAndKernelThreadsWithSomethingToBorrow) {
  typename TestFixture::Kernel k(1);
  typename TestFixture::Kernel::Task user, kthread;
  auto* mm = k.fork({&user});
  for (int i = 0; i < 3; ++i) {
    k.run(0, user);
    EXPECT_EQ(k.active(0), mm);
    EXPECT_EQ(k.cpu(0).loaded_mm, mm);
    EXPECT_EQ(k.idle_task(0).active_mm, nullptr);
    k.run(0, kthread);
    EXPECT_THAT(k.active(0), AnyOf(mm, k.init_mm()));
    EXPECT_EQ(k.cpu(0).loaded_mm, k.active(0)) << "on powerpc active_mm is what is loaded";
    k.idle(0);
    EXPECT_THAT(k.active(0), AnyOf(mm, k.init_mm()));
    EXPECT_EQ(k.cpu(0).loaded_mm, k.active(0));
    EXPECT_EQ(kthread.active_mm, nullptr);
  }
  EXPECT_FALSE(k.is_free(mm));
  k.run(0, user);
  k.exit(0);
  expect_a_clean_end<TypeParam>(k, 1);
}

TYPED_TEST(EveryScheme, ASingleThreadLivesAndDies) {
  typename TestFixture::Kernel k(1, 1);
  typename TestFixture::Kernel::Task task;
  // Again and again, so that slots are used again too.
  for (int life = 0; life < 100; ++life) {
    if (k.fork({&task}) == nullptr) {
      k.cpu(0).system->scheme.drain(k.m(0), k.cpu(0), kernel::Drain::end);
      ASSERT_NE(k.fork({&task}), nullptr) << life;
    }
    k.run(0, task);
    k.idle(0);
    k.run(0, task);
    EXPECT_TRUE(k.exit(0));
  }
  EXPECT_EQ(k.sum().mms_born, 100u);
  expect_a_clean_end<TypeParam>(k, 1);
}

TYPED_TEST(EveryScheme, ALazyCpuOutlivesTheProcess) {
  typename TestFixture::Kernel k(2);
  typename TestFixture::Kernel::Task on_0, on_1, next;
  k.fork({&on_0, &on_1});
  k.run(0, on_0);
  k.run(1, on_1);
  EXPECT_FALSE(k.exit(1));
  EXPECT_TRUE(k.exit(0));
  k.fork({&next});
  k.run(1, next);
  EXPECT_TRUE(k.exit(1));
  expect_a_clean_end<TypeParam>(k, 2);
}

TYPED_TEST(EveryScheme, AKernelThreadCarriesTheBorrowPastTheEnd) {
  typename TestFixture::Kernel k(2);
  typename TestFixture::Kernel::Task on_0, on_1, kthread;
  k.fork({&on_0, &on_1});
  k.run(0, on_0);
  k.run(1, on_1);
  k.exit(1);
  k.run(1, kthread);
  k.exit(0);
  k.idle(1);
  k.run(1, kthread);
  k.idle(1);
  expect_a_clean_end<TypeParam>(k, 2);
}

TYPED_TEST(EveryScheme, ACpuInTheMaskMayRunSomethingElse) {
  typename TestFixture::Kernel k(2);
  typename TestFixture::Kernel::Task on_0, on_1, other;
  k.fork({&on_0, &on_1});
  auto* other_mm = k.fork({&other});
  k.run(0, on_0);
  k.run(1, on_1);
  k.exit(1);
  k.run(1, other);
  k.exit(0);
  EXPECT_EQ(k.active(1), other_mm);
  EXPECT_EQ(other.mm, other_mm);
  EXPECT_FALSE(k.is_free(other_mm));
  k.exit(1);
  expect_a_clean_end<TypeParam>(k, 2);
}

// A CPU that is trimmed from the mask while it borrows gives the borrow back.
TYPED_TEST(EveryScheme, SurvivesTrimming) {
  typename TestFixture::Kernel k(2);
  typename TestFixture::Kernel::Task task;
  auto* mm = k.fork({&task});
  k.run(1, task);
  k.idle(1);
  k.run(0, task);
  k.flush(0, mm);
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_FALSE(k.in_mask(mm, 1u));
  EXPECT_TRUE(k.exit(0));
  expect_a_clean_end<TypeParam>(k, 2);
}

TYPED_TEST(EveryScheme, AnMmWithoutPageTables) {
  typename TestFixture::Kernel k(2);
  typename TestFixture::Kernel::Task on_0, on_1;
  k.fork({&on_0, &on_1}, 0, /*has_page_tables=*/false);
  k.run(0, on_0);
  k.run(1, on_1);
  k.exit(1);
  k.exit(0);
  EXPECT_EQ(k.sum().ipis_exit_flush, 0u);
  expect_a_clean_end<TypeParam>(k, 2);
}

template <class Scheme, Options kOptions>
void live_and_die_with() {
  ByHand<Scheme, kernel::lifecycle::Powerpc, kOptions> k(2);
  typename decltype(k)::Task on_0, on_1;
  k.fork({&on_0, &on_1});
  k.run(0, on_0);
  k.run(1, on_1);
  k.idle(0);
  k.exit(1);
  k.run(0, on_0);
  k.exit(0);
  expect_a_clean_end<Scheme>(k, 2);
}

TYPED_TEST(EveryScheme, TakesEveryOption) {
  live_and_die_with<TypeParam, Options{MmCid::off, true}>();
  live_and_die_with<TypeParam, Options{MmCid::v6_4, false}>();
  live_and_die_with<TypeParam, Options{MmCid::v6_4, true}>();
}

}  // namespace
}  // namespace mmscale::scheme
