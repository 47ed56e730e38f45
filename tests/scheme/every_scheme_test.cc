// SPDX-License-Identifier: MIT
//
// What every scheme of the catalogue must do, whatever its idea: lives of processes on two CPUs driven by
// hand, under the oracle. What a scheme that is not safe does to them is its own business.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/lifecycle/powerpc.h"
#include "scheme/catalogue.h"
#include "support/by_hand.h"
#include "support/scheme_name.h"

namespace mmscale::scheme {
namespace {

using Kernel = test::ByHandSystem;
using Task = Kernel::Task;
using testing::AnyOf;
using testing::IsEmpty;

constexpr bool safe_on_powerpc(const SchemeInfo& info) {
  const Safety* safety = info.under(kernel::lifecycle::Powerpc::kName);
  return safety != nullptr && safety->safe;
}

struct Subject {
  const SchemeInfo* info;
  const kernel::SchemeOps<Kernel::Machine>* ops;
};

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  Catalogue::for_each([&]<class Scheme> {
    all.push_back({&Scheme::kInfo, &kernel::kSchemeOps<Scheme, Kernel::Machine>});
  });
  return all;
}

class EveryScheme : public testing::TestWithParam<Subject> {
 protected:
  static kernel::Build<Kernel::Machine> build(Options options = {}) {
    return {*GetParam().ops, kernel::kLifecycleOps<kernel::lifecycle::Powerpc, Kernel::Machine>, options};
  }
};
INSTANTIATE_TEST_SUITE_P(, EveryScheme, testing::ValuesIn(subjects()),
                         [](const auto& subject) { return test::test_name(subject.param.info->name); });

// Everybody has exited and idles: what must hold at the end, oracle and books.
void expect_a_clean_end(Kernel& k, unsigned cpus) {
  k.drain();
  if (!safe_on_powerpc(*EveryScheme::GetParam().info)) return;
  EXPECT_THAT(k.findings(), IsEmpty());
  const Tally sum = k.sum();
  EXPECT_EQ(sum.mms_freed, sum.mms_born);
  EXPECT_EQ(sum.ipis_useful + sum.ipis_useless, sum.ipis_sent());
  const unsigned on_init_mm = k.system.scheme.counted ? cpus : 0;
  EXPECT_EQ(k.mm_count(k.init_mm()), 1 + static_cast<int>(on_init_mm));
  EXPECT_EQ(sum.lazy_grabs + sum.lazy_grabs_unlazy, sum.lazy_drops + sum.lazy_drops_unlazy + on_init_mm);
  for (unsigned n = 0; n < cpus; ++n) {
    EXPECT_EQ(k.active(n), k.init_mm());
    EXPECT_EQ(k.cpu(n).loaded_mm, k.init_mm());
  }
}

TEST_P(EveryScheme, LeavesUsersAloneAndKernelThreadsWithSomethingToBorrow) {
  Kernel k(build(), 1);
  Task user, kthread;
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
  expect_a_clean_end(k, 1);
}

TEST_P(EveryScheme, ASingleThreadLivesAndDies) {
  Kernel k(build(), 1, 1);
  Task task;
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
  expect_a_clean_end(k, 1);
}

TEST_P(EveryScheme, ALazyCpuOutlivesTheProcess) {
  Kernel k(build(), 2);
  Task on_0, on_1, next;
  k.fork({&on_0, &on_1});
  k.run(0, on_0);
  k.run(1, on_1);
  EXPECT_FALSE(k.exit(1));
  EXPECT_TRUE(k.exit(0));
  k.fork({&next});
  k.run(1, next);
  EXPECT_TRUE(k.exit(1));
  expect_a_clean_end(k, 2);
}

TEST_P(EveryScheme, AKernelThreadCarriesTheBorrowPastTheEnd) {
  Kernel k(build(), 2);
  Task on_0, on_1, kthread;
  k.fork({&on_0, &on_1});
  k.run(0, on_0);
  k.run(1, on_1);
  k.exit(1);
  k.run(1, kthread);
  k.exit(0);
  k.idle(1);
  k.run(1, kthread);
  k.idle(1);
  expect_a_clean_end(k, 2);
}

TEST_P(EveryScheme, ACpuInTheMaskMayRunSomethingElse) {
  Kernel k(build(), 2);
  Task on_0, on_1, other;
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
  expect_a_clean_end(k, 2);
}

// A CPU that is trimmed from the mask while it borrows gives the borrow back.
TEST_P(EveryScheme, SurvivesTrimming) {
  Kernel k(build(), 2);
  Task task;
  auto* mm = k.fork({&task});
  k.run(1, task);
  k.idle(1);
  k.run(0, task);
  k.flush(0, mm);
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_FALSE(k.in_mask(mm, 1u));
  EXPECT_TRUE(k.exit(0));
  expect_a_clean_end(k, 2);
}

TEST_P(EveryScheme, AnMmWithoutPageTables) {
  Kernel k(build(), 2);
  Task on_0, on_1;
  k.fork({&on_0, &on_1}, 0, /*has_page_tables=*/false);
  k.run(0, on_0);
  k.run(1, on_1);
  k.exit(1);
  k.exit(0);
  EXPECT_EQ(k.sum().ipis_exit_flush, 0u);
  expect_a_clean_end(k, 2);
}

TEST_P(EveryScheme, TakesEveryOption) {
  for (const Options options :
       {Options{MmCid::off, true}, Options{MmCid::v6_4, false}, Options{MmCid::v6_4, true}}) {
    Kernel k(build(options), 2);
    Task on_0, on_1;
    k.fork({&on_0, &on_1});
    k.run(0, on_0);
    k.run(1, on_1);
    k.idle(0);
    k.exit(1);
    k.run(0, on_0);
    k.exit(0);
    expect_a_clean_end(k, 2);
  }
}

}  // namespace
}  // namespace mmscale::scheme
