// SPDX-License-Identifier: MIT
//
// The rules of arch/x86/mm/tlb.c, driven by hand: which mask bits a switch, a flush and an idle state change,
// and what that means for a scheme that trusts the mask.
#include "kernel/lifecycle/x86.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/idle.h"
#include "kernel/lifecycle/x86_2017.h"
#include "kernel/lifecycle/x86_2024.h"
#include "kernel/lifecycle/x86_2025.h"
#include "kernel/lifecycle/x86_invlpgb.h"
#include "kernel/lifecycle/x86_paravirt.h"
#include "kernel/lifecycle/x86_rar.h"
#include "kernel/lifecycle/x86_unlazy.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"
#include "support/scheme_name.h"
#include "support/two_processes.h"

namespace mmscale::kernel::lifecycle {
namespace {

using test::ByHand;
using test::TwoProcesses;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

template <class Lifecycle, class Scheme = scheme::Shootdown>
struct OnX86 : TwoProcesses<Scheme, Lifecycle> {
  void flush_tables(unsigned n) {
    this->system.lifecycle.flush_tlb_mm(this->m(n), this->cpu(n), this->mm, Freed::page_tables);
  }
  void deep_idle(unsigned n) { enter_deep_idle(this->m(n), this->cpu(n)); }
  auto* loaded(unsigned n) { return this->cpu(n).loaded_mm.load(); }
  bool lazy(unsigned n) { return this->lifecycle(n).is_lazy != 0; }
};

template <class Lifecycle>
class X86 : public testing::Test {};
using AllX86 = testing::Types<X86_2017, X86_2024, X86_2025, X86Paravirt, X86Invlpgb, X86Rar>;
struct LifecycleName {
  template <class Lifecycle>
  static std::string GetName(int) {
    return test::test_name(Lifecycle::kName);
  }
};
TYPED_TEST_SUITE(X86, AllX86, LifecycleName);

TYPED_TEST(X86, ALazyCpuKeepsWhatItHasLoaded) {
  OnX86<TypeParam> k;
  k.run(0, k.threads[0]);
  EXPECT_FALSE(k.lazy(0));
  k.idle(0);
  EXPECT_TRUE(k.lazy(0));
  EXPECT_EQ(k.loaded(0), k.mm);
  EXPECT_TRUE(k.in_mask(k.mm, 0u));
  k.run(0, k.threads[0]);
  EXPECT_FALSE(k.lazy(0));
  EXPECT_EQ(k.loaded(0), k.mm);
}

TYPED_TEST(X86, ACpuOnInitMmIsNotLazy) {
  OnX86<TypeParam> k;
  typename OnX86<TypeParam>::Task kthread;
  k.run(0, kthread);
  EXPECT_FALSE(k.lazy(0));
}

TYPED_TEST(X86, PrevIsIgnored) {
  OnX86<TypeParam> k;
  k.run(0, k.threads[0]);
  k.m(0).irq_disable();
  TypeParam::switch_mm_irqs_off(k.m(0), k.cpu(0), k.other_mm, k.mm);
  k.m(0).irq_enable();
  EXPECT_EQ(k.loaded(0), k.mm);
  EXPECT_FALSE(k.in_mask(k.other_mm, 0u));
}

TYPED_TEST(X86, AFlushOfPagesSparesLazyCpus) {
  OnX86<TypeParam> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.flush(0, k.mm);
  EXPECT_EQ(k.cpu(1).tally.ipis_user, 1u) << "it runs in the mm";
  EXPECT_EQ(k.lifecycle(1).tlb_gen, 2u);
  k.idle(1);
  k.flush(0, k.mm);
  EXPECT_EQ(k.cpu(0).tally.ipis_flush, 1u);
  EXPECT_EQ(k.lifecycle(1).tlb_gen, 2u);
  k.run(1, k.threads[1]);
  EXPECT_EQ(k.lifecycle(1).tlb_gen, 3u) << "it catches up when it comes back";
  EXPECT_EQ(k.lifecycle(0).tlb_gen, 3u) << "the sender flushed itself";
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(X86, AFlushOfTablesMovesLazyCpusToInitMm) {
  OnX86<TypeParam> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.idle(1);
  k.flush_tables(0);
  EXPECT_EQ(k.cpu(1).tally.ipis_useful, 1u);
  EXPECT_EQ(k.loaded(1), k.init_mm());
  EXPECT_FALSE(k.lazy(1));
  EXPECT_EQ(k.active(1), k.mm) << "the scheduler is not told";
  EXPECT_EQ(k.loaded(0), k.mm);
  k.run(1, k.threads[1]);
  EXPECT_EQ(k.loaded(1), k.mm);
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(X86, TheExitFlushMovesItsSenderToo) {
  OnX86<TypeParam, scheme::Refcount> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(1);
  k.run(1, k.others[1]);
  k.exit(0);
  EXPECT_EQ(k.loaded(0), k.init_mm());
  EXPECT_EQ(k.active(0), k.mm) << "kept alive by its reference";
  EXPECT_FALSE(k.is_free(k.mm));
  k.run(0, k.others[0]);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(X86, AnMmWithoutPageTablesIsNotFlushed) {
  OnX86<TypeParam, scheme::Refcount> k;
  typename OnX86<TypeParam, scheme::Refcount>::Task task;
  auto* bare = k.fork({&task}, 0, /*has_page_tables=*/false);
  k.run(0, task);
  k.exit(0);
  EXPECT_EQ(k.loaded(0), bare);
}

TEST(X86_2017, SwitchingAwayClearsTheBit) {
  OnX86<X86_2017> k;
  k.run(0, k.threads[0]);
  k.run(0, k.others[0]);
  EXPECT_FALSE(k.in_mask(k.mm, 0u));
  EXPECT_TRUE(k.in_mask(k.other_mm, 0u));
}

TEST(X86_2017, AFlushOfTablesClearsTheBitOfALazyCpu) {
  OnX86<X86_2017> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.idle(1);
  k.flush_tables(0);
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
}

TEST(X86_2017, DeepIdleClearsTheBit) {
  OnX86<X86_2017> k;
  k.run(0, k.threads[0]);
  k.idle(0);
  k.deep_idle(0);
  EXPECT_EQ(k.loaded(0), k.init_mm());
  EXPECT_FALSE(k.in_mask(k.mm, 0u));
  EXPECT_EQ(k.active(0), k.mm);
}

TEST(X86_2017, AMissingBitIsSeenAndRepaired) {
  OnX86<X86_2017> k;
  k.run(0, k.threads[0]);
  k.idle(0);
  k.mm->cpumask(0) = 0;
  k.run(0, k.threads[0]);
  EXPECT_THAT(k.findings(), Contains(HasSubstr("ASSERT")));
  EXPECT_TRUE(k.in_mask(k.mm, 0u));
}

// The dispute in its shortest form: one CPU, one process, which exits. Its own exit flush takes the CPU out
// of the mask, the shootdown finds nobody to interrupt, and active_mm is left pointing at freed memory.
TEST(X86_2017, ShootdownLeavesTheExitingCpuDangling) {
  ByHand<scheme::Shootdown, X86_2017> k(1);
  ByHand<scheme::Shootdown, X86_2017>::Task task;
  auto* mm = k.fork({&task});
  k.run(0, task);
  k.exit(0);
  EXPECT_TRUE(k.is_free(mm));
  EXPECT_EQ(k.active(0), mm);
  EXPECT_EQ(k.cpu(0).tally.shoot_self, 0u);
  EXPECT_THAT(k.findings(), testing::ElementsAre("DANGLING on cpu 0 in free_mm"));
}

TEST(X86_2017, RefcountIsSafeWhereShootdownDangles) {
  ByHand<scheme::Refcount, X86_2017> k(1);
  ByHand<scheme::Refcount, X86_2017>::Task task;
  auto* mm = k.fork({&task});
  k.run(0, task);
  k.exit(0);
  EXPECT_FALSE(k.is_free(mm));
  k.unlazy(0, mm);
  EXPECT_TRUE(k.is_free(mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(X86_2024, SwitchingAwayKeepsTheBit) {
  OnX86<X86_2024> k;
  k.run(0, k.threads[0]);
  k.run(0, k.others[0]);
  EXPECT_TRUE(k.in_mask(k.mm, 0u));
}

// ... so one CPU exiting alone is found by the shootdown.
TEST(X86_2024, OneExitAloneIsSafe) {
  ByHand<scheme::Shootdown, X86_2024> k(1);
  ByHand<scheme::Shootdown, X86_2024>::Task task;
  auto* mm = k.fork({&task});
  k.run(0, task);
  k.exit(0);
  EXPECT_TRUE(k.is_free(mm));
  EXPECT_EQ(k.active(0), k.init_mm());
  EXPECT_THAT(k.findings(), IsEmpty());
}

// CPU 1 is lazy on the mm; CPU 0 flushes `flushes` times and exits, which flushes once more.
template <class Lifecycle>
std::vector<std::string> after_flushes_and_exit(int flushes, bool deep_idle) {
  OnX86<Lifecycle> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(1);
  if (deep_idle) k.deep_idle(1);
  for (int i = 0; i < flushes; ++i) k.flush_tables(0);
  k.exit(0);
  EXPECT_TRUE(k.is_free(k.mm));
  return k.findings();
}

TEST(X86_2024, LosingTheBitTakesTwoFlushes) {
  EXPECT_THAT(after_flushes_and_exit<X86_2024>(0, false), IsEmpty()) << "the exit flush alone";
  EXPECT_THAT(after_flushes_and_exit<X86_2024>(1, false), Contains("DANGLING on cpu 0 in free_mm"));
}

TEST(X86_2024, OrLeaveMmAndOneFlush) {
  EXPECT_THAT(after_flushes_and_exit<X86_2024>(0, true), Contains("DANGLING on cpu 0 in free_mm"));
}

TEST(X86_2024, OneFlushIsEnoughIn2017) {
  EXPECT_THAT(after_flushes_and_exit<X86_2017>(0, false), Contains("DANGLING on cpu 0 in free_mm"));
}

// The second flush finds another mm loaded; a CPU that merely runs something else is trimmed by the first.
TEST(X86_2024, AFlushThatFindsAnotherMmClearsTheBit) {
  OnX86<X86_2024> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.run(1, k.others[1]);
  k.flush_tables(0);
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_EQ(k.cpu(1).tally.ipis_useless, 1u);
  EXPECT_EQ(k.loaded(1), k.other_mm);
}

// A flush of pages interrupts a CPU of the mask that has another mm loaded only when a trim is due: once a
// second.
TEST(X86_2024, AFlushOfPagesTrimsNowAndThen) {
  OnX86<X86_2024> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.run(1, k.others[1]);
  k.flush(0, k.mm);
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
  arch_state<X86_2024::PerMm>(k.mm).next_trim = 1;
  k.flush(0, k.mm);
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_GT(arch_state<X86_2024::PerMm>(k.mm).next_trim, k.m(0).now());
}

TEST(X86Paravirt, AHaltedCpuIsNotInterrupted) {
  OnX86<X86Paravirt> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.idle(1);
  k.deep_idle(1);
  EXPECT_EQ(k.loaded(1), k.mm) << "no leave_mm in a guest";
  k.flush_tables(0);
  EXPECT_EQ(k.cpu(0).tally.ipis_flush, 0u);
  EXPECT_EQ(k.loaded(1), k.mm);
  k.run(1, k.threads[1]);
  EXPECT_EQ(k.lifecycle(1).preempted, 0u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TEST(X86Paravirt, OtherCpusAre) {
  OnX86<X86Paravirt> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.idle(1);
  k.flush_tables(0);
  EXPECT_EQ(k.loaded(1), k.init_mm());
}

// One exit of a process with two batches of page tables: the first flush moves loaded_mm, the second finds it moved.
TEST(X86_2024, ALargeProcessNeedsOneExitOnly) {
  OnX86<X86_2024> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.exit(1);
  k.mm->exit_flushes = 2;
  k.exit(0);
  EXPECT_THAT(k.findings(), Contains("DANGLING on cpu 0 in free_mm"));
}

// Whether to trim is decided once for each flush (info->trim_cpumask), so that all who are elsewhere leave the mask.
TEST(X86_2024, ATrimIsOfAllCpusThatAreElsewhere) {
  using Kernel = ByHand<scheme::Refcount, X86_2024>;
  Kernel k(3);
  Kernel::Task on[3], other[3];
  auto* mm = k.fork({&on[0], &on[1], &on[2]});
  k.fork({&other[1], &other[2]});
  for (unsigned n = 0; n < 3; ++n) k.run(n, on[n]);
  for (unsigned n = 1; n < 3; ++n) k.run(n, other[n]);
  arch_state<X86_2024::PerMm>(mm).next_trim = 1;
  k.flush(0, mm);
  EXPECT_FALSE(k.in_mask(mm, 1u));
  EXPECT_FALSE(k.in_mask(mm, 2u));
}

// A CPU that flushes an mm it is in the mask of, but has not loaded, leaves the mask too.
TEST(X86_2024, TheFlushingCpuLeavesTheMaskToo) {
  OnX86<X86_2024> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.run(0, k.others[0]);
  k.flush_tables(0);
  EXPECT_FALSE(k.in_mask(k.mm, 0u));
  EXPECT_TRUE(k.in_mask(k.mm, 1u));
}

TEST(X86Unlazy, TheFlushHandlerMovesActiveMmAlong) {
  OnX86<X86Unlazy, scheme::Refcount> k;
  k.run(0, k.threads[0]);
  k.run(1, k.threads[1]);
  k.idle(1);
  k.flush_tables(0);
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_EQ(k.mm_count(k.mm), 1);
  EXPECT_FALSE(k.in_mask(k.mm, 1u));
  EXPECT_THAT(k.findings(), IsEmpty());
}

// Four CPUs of a process that run it: a global ASID when a flush looks. The flushes behind it are broadcast; the first
// one, that finds CPUs under their old ASID, interrupts everybody once more.
template <class Lifecycle>
class GlobalAsid : public testing::Test {};
using BothGlobalAsids = testing::Types<X86Invlpgb, X86Rar>;
TYPED_TEST_SUITE(GlobalAsid, BothGlobalAsids, LifecycleName);

template <class Kernel>
struct FourThreads {
  explicit FourThreads(Rules rules = {.global_asid_one_in = 1}) : k(4, 4, rules) {
    mm = k.fork({&t[0], &t[1], &t[2], &t[3]});
    for (unsigned n = 0; n < 4; ++n) k.run(n, t[n]);
  }
  Kernel k;
  typename Kernel::Task t[4];
  typename Kernel::Mm* mm;
};

TYPED_TEST(GlobalAsid, IsGivenOnFourCpusAndThenNobodyIsInterrupted) {
  FourThreads<ByHand<scheme::Refcount, TypeParam>> four;
  auto& k = four.k;
  k.flush(0, four.mm);
  EXPECT_EQ(k.sum().ipis_flush, 3u) << "by interrupt, and then the ASID is given";
  k.flush(0, four.mm);
  EXPECT_EQ(k.sum().ipis_flush, 6u) << "three CPUs run under their old ASIDs";
  k.flush(0, four.mm);
  k.flush(0, four.mm);
  EXPECT_EQ(k.sum().ipis_flush, 6u);
  for (unsigned n = 4; n-- > 0;) k.exit(n);
  EXPECT_EQ(k.sum().ipis_exit_flush, 0u);
  for (unsigned n = 1; n < 4; ++n) EXPECT_EQ(k.cpu(n).loaded_mm, four.mm);
  k.drain();
  EXPECT_TRUE(k.is_free(four.mm));
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(GlobalAsid, IsNotGivenToLazyCpus) {
  FourThreads<ByHand<scheme::Refcount, TypeParam>> four;
  four.k.idle(3);
  for (int i = 0; i < 3; ++i) four.k.flush(0, four.mm);
  EXPECT_EQ(arch_state<GlobalAsidPerMm>(four.mm).global_asid, 0u);
}

TYPED_TEST(GlobalAsid, IsLookedForAtOneFlushInThirtyTwo) {
  FourThreads<ByHand<scheme::Refcount, TypeParam>> four{Rules{}};
  for (int i = 0; i < 31; ++i) four.k.flush(0, four.mm);
  EXPECT_EQ(arch_state<GlobalAsidPerMm>(four.mm).global_asid, 0u);
  four.k.flush(0, four.mm);
  EXPECT_EQ(arch_state<GlobalAsidPerMm>(four.mm).global_asid, 1u);
}

// The lazy sender of a RAR clears its own bit; INVLPGB leaves it where it is.
TEST(X86Rar, TheLazySenderLeavesTheMask) {
  FourThreads<ByHand<scheme::Refcount, X86Rar>> rar;
  FourThreads<ByHand<scheme::Refcount, X86Invlpgb>> invlpgb;
  for (int i = 0; i < 3; ++i) rar.k.flush(0, rar.mm), invlpgb.k.flush(0, invlpgb.mm);
  for (unsigned n = 4; n-- > 0;) rar.k.exit(n), invlpgb.k.exit(n);
  EXPECT_FALSE(rar.k.in_mask(rar.mm, 0u));
  EXPECT_TRUE(rar.k.in_mask(rar.mm, 1u));
  EXPECT_TRUE(invlpgb.k.in_mask(invlpgb.mm, 0u));
}

}  // namespace
}  // namespace mmscale::kernel::lifecycle
