// SPDX-License-Identifier: MIT
//
// The four cases of context_switch, driven by hand.
#include "kernel/context_switch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "scheme/refcount.h"
#include "scheme/refcount_packed.h"
#include "scheme/shootdown.h"
#include "scheme/untracked.h"
#include "support/by_hand.h"
#include "support/scheme_name.h"

namespace mmscale::kernel {
namespace {

using lifecycle::Powerpc;
using test::ByHand;
using test::kBorrow;
using testing::ElementsAre;
using testing::IsEmpty;

// One CPU, two threads of one process and one of another, a kernel thread.
template <class Scheme, Options kOptions = Options{}>
struct OneCpu : ByHand<Scheme, Powerpc, kOptions> {
  using Base = ByHand<Scheme, Powerpc, kOptions>;
  using Task = typename Base::Task;
  using Mm = typename Base::Mm;

  OneCpu() : Base(1), mm(this->fork({&a1, &a2})), other_mm(this->fork({&b})) {}

  // What every running task must look like after a switch from `prev` to `next`.
  void expect_running(Task& next, Task& prev) {
    EXPECT_EQ(this->current(0), &next);
    EXPECT_EQ(next.on_cpu, 1u);
    EXPECT_EQ(prev.on_cpu, 0u);
    EXPECT_EQ(this->cpu(0).prev_mm, nullptr);
    EXPECT_FALSE(this->m(0).irqs_disabled());
    EXPECT_EQ(this->cpu(0).loaded_mm, this->active(0));
  }

  Task a1, a2, b, kthread;
  Mm* mm;
  Mm* other_mm;
};

template <class Scheme>
class FourCases : public testing::Test {};
using CaseSchemes =
    testing::Types<scheme::Untracked, scheme::Refcount, scheme::RefcountPacked, scheme::Shootdown>;
TYPED_TEST_SUITE(FourCases, CaseSchemes, test::SchemeName);

TYPED_TEST(FourCases, BootIsLazyOnInitMm) {
  OneCpu<TypeParam> k;
  EXPECT_EQ(k.current(0), &k.idle_task(0));
  EXPECT_EQ(k.active(0), k.init_mm());
  EXPECT_EQ(k.cpu(0).loaded_mm, k.init_mm());
  EXPECT_EQ(k.mm_count(k.init_mm()), 1 + kBorrow<TypeParam>);
  EXPECT_TRUE(k.in_mask(k.init_mm(), 0u));
  EXPECT_FALSE(k.in_mask(k.mm, 0u));
}

TYPED_TEST(FourCases, KernelToUserEndsTheBorrow) {
  OneCpu<TypeParam> k;
  k.run(0, k.a1);
  k.expect_running(k.a1, k.idle_task(0));
  EXPECT_EQ(k.active(0), k.mm);
  EXPECT_EQ(k.idle_task(0).active_mm, nullptr);
  EXPECT_EQ(k.cpu(0).pgd, k.mm->pgd);
  EXPECT_EQ(k.mm_count(k.init_mm()), 1);
  EXPECT_EQ(k.mm_count(k.mm), 1);
  EXPECT_EQ(k.mm->mm_users, 2);
}

TYPED_TEST(FourCases, UserToKernelBorrowsWhatIsLoaded) {
  OneCpu<TypeParam> k;
  k.run(0, k.a1);
  const Tally before = k.sum();
  k.idle(0);
  k.expect_running(k.idle_task(0), k.a1);
  EXPECT_EQ(k.active(0), k.mm);
  EXPECT_EQ(k.a1.active_mm, k.mm) << "a user task keeps its own";
  EXPECT_EQ(k.mm_count(k.mm), 1 + kBorrow<TypeParam>);
  EXPECT_EQ(k.mm_count(k.init_mm()), 1);
  EXPECT_EQ(k.sum().since(before).mm_count_ops(), static_cast<unsigned>(kBorrow<TypeParam>));
}

TYPED_TEST(FourCases, KernelToKernelHandsTheBorrowOn) {
  OneCpu<TypeParam> k;
  k.run(0, k.a1);
  k.idle(0);
  const Tally before = k.sum();
  k.run(0, k.kthread);
  k.expect_running(k.kthread, k.idle_task(0));
  EXPECT_EQ(k.active(0), k.mm);
  EXPECT_EQ(k.idle_task(0).active_mm, nullptr);
  EXPECT_EQ(k.mm_count(k.mm), 1 + kBorrow<TypeParam>);
  EXPECT_EQ(k.sum().since(before).mm_count_ops(), 0u);
}

TYPED_TEST(FourCases, BackToTheSameMmReturnsTheBorrow) {
  OneCpu<TypeParam> k;
  k.run(0, k.a1);
  k.run(0, k.kthread);
  k.idle(0);
  k.run(0, k.a2);
  k.expect_running(k.a2, k.idle_task(0));
  EXPECT_EQ(k.active(0), k.mm);
  EXPECT_EQ(k.kthread.active_mm, nullptr);
  EXPECT_EQ(k.mm_count(k.mm), 1);
}

TYPED_TEST(FourCases, BackToAnotherMmReturnsTheBorrow) {
  OneCpu<TypeParam> k;
  k.run(0, k.a1);
  k.idle(0);
  k.run(0, k.b);
  k.expect_running(k.b, k.idle_task(0));
  EXPECT_EQ(k.active(0), k.other_mm);
  EXPECT_EQ(k.mm_count(k.mm), 1);
  EXPECT_EQ(k.mm_count(k.other_mm), 1);
}

TYPED_TEST(FourCases, UserToUserCountsNothing) {
  OneCpu<TypeParam> k;
  k.run(0, k.a1);
  const Tally before = k.sum();
  k.run(0, k.a2);
  k.expect_running(k.a2, k.a1);
  k.run(0, k.b);
  k.expect_running(k.b, k.a2);
  EXPECT_EQ(k.active(0), k.other_mm);
  EXPECT_EQ(k.a2.active_mm, k.mm);
  EXPECT_EQ(k.mm_count(k.mm), 1);
  EXPECT_EQ(k.mm_count(k.other_mm), 1);
  EXPECT_EQ(k.sum().since(before).mm_count_ops(), 0u);
}

TYPED_TEST(FourCases, TheMaskIsSetOnceAndSwitchesAwayKeepIt) {
  OneCpu<TypeParam> k;
  for (int i = 0; i < 3; ++i) {
    k.run(0, k.a1);
    EXPECT_TRUE(k.in_mask(k.mm, 0u));
    EXPECT_EQ(k.mm->active_cpus, 1) << "counted once a set bit, not once a switch";
    k.run(0, k.b);
    k.idle(0);
  }
  EXPECT_TRUE(k.in_mask(k.mm, 0u));
  EXPECT_TRUE(k.in_mask(k.other_mm, 0u));
}

TYPED_TEST(FourCases, TheOracleHasNothingToSay) {
  OneCpu<TypeParam> k;
  for (auto* next : {&k.a1, &k.kthread, &k.idle_task(0), &k.b, &k.a2, &k.idle_task(0), &k.a1})
    k.run(0, *next);
  EXPECT_THAT(k.findings(), IsEmpty());
}

// Refcount, and at each of its hooks a look around.
struct Observing : scheme::Refcount {
  struct Moment {
    std::string hook;
    bool irqs_off;
    int mm_count;
    unsigned idle_on_cpu;
    unsigned rq_lock;
    bool operator==(const Moment&) const = default;
  };
  static inline std::vector<Moment> log;

  template <class M>
  static void look(std::string hook, M& m, Cpu<M>& cpu, Mm<M>* mm) {
    log.push_back(
        {std::move(hook), m.irqs_disabled(), kernel::mm_count(cpu, mm), cpu.idle.on_cpu, cpu.rq_lock});
  }
  template <class M>
  static auto* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    look("enter", m, cpu, mm);
    return Refcount::lazy_enter(m, cpu, mm, site);
  }
  template <class M>
  static void lazy_leave(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    look("leave", m, cpu, mm);
  }
  template <class M>
  static void lazy_exit(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    look("exit", m, cpu, mm);
    Refcount::lazy_exit(m, cpu, mm, site);
  }
  template <class M>
  static void switched(M& m, Cpu<M>& cpu) {
    look("switched", m, cpu, cpu.curr.load()->active_mm.load());
  }
};

std::ostream& operator<<(std::ostream& out, const Observing::Moment& moment) {
  return out << moment.hook << " irqs_off=" << moment.irqs_off << " mm_count=" << moment.mm_count
             << " idle.on_cpu=" << moment.idle_on_cpu << " rq_lock=" << moment.rq_lock;
}

// The reference is still held when the new mm runs already, and returned only when the switch is over: idle
// is off the CPU, the rq lock released, interrupts on.
TEST(ContextSwitch, DropsTheBorrowWhenTheSwitchIsOver) {
  OneCpu<Observing, Options{MmCid::off, true}> k;
  k.run(0, k.a1);
  k.idle(0);
  Observing::log.clear();
  k.run(0, k.b);
  EXPECT_THAT(Observing::log, ElementsAre(Observing::Moment{"leave", true, 2, 1, 1},  //
                                          Observing::Moment{"exit", false, 2, 0, 0},  //
                                          Observing::Moment{"switched", false, 1, 0, 0}));
  EXPECT_EQ(k.mm_count(k.mm), 1);
}

TEST(ContextSwitch, BorrowsWithInterruptsOff) {
  OneCpu<Observing, Options{MmCid::off, true}> k;
  k.run(0, k.a1);
  Observing::log.clear();
  k.idle(0);
  EXPECT_THAT(Observing::log, ElementsAre(Observing::Moment{"enter", true, 1, 1, 1},  //
                                          Observing::Moment{"switched", false, 2, 1, 0}));
}

// Neither kernel -> kernel nor user -> user begins or ends a borrow.
TEST(ContextSwitch, OtherCasesOnlyCallSwitched) {
  OneCpu<Observing> k;
  k.run(0, k.a1);
  Observing::log.clear();
  k.run(0, k.a2);
  EXPECT_EQ(Observing::log.size(), 1u);
  EXPECT_EQ(Observing::log.back().hook, "switched");
  k.idle(0);
  Observing::log.clear();
  k.run(0, k.kthread);
  EXPECT_EQ(Observing::log.size(), 1u);
  EXPECT_EQ(Observing::log.back().hook, "switched");
}

TEST(ContextSwitch, CopiesTheMembarrierState) {
  OneCpu<scheme::Shootdown> k;
  k.mm->membarrier_state = 3;
  k.run(0, k.a1);
  EXPECT_EQ(k.cpu(0).membarrier_state, 3u);
  k.idle(0);
  EXPECT_EQ(k.cpu(0).membarrier_state, 3u) << "a lazy CPU keeps it";
  k.run(0, k.b);
  EXPECT_EQ(k.cpu(0).membarrier_state, 0u);
}

template <class Build>
class EveryOption : public testing::Test {};
template <class TheScheme, Options kTheOptions>
struct Combination {
  using Scheme = TheScheme;
  static constexpr Options kOptions = kTheOptions;
};
using Combinations = testing::Types<Combination<scheme::Refcount, Options{MmCid::off, false}>,
                                    Combination<scheme::Refcount, Options{MmCid::off, true}>,
                                    Combination<scheme::Refcount, Options{MmCid::v6_4, false}>,
                                    Combination<scheme::Refcount, Options{MmCid::v6_4, true}>,
                                    Combination<scheme::Shootdown, Options{MmCid::off, false}>,
                                    Combination<scheme::Shootdown, Options{MmCid::off, true}>,
                                    Combination<scheme::Shootdown, Options{MmCid::v6_4, false}>,
                                    Combination<scheme::Shootdown, Options{MmCid::v6_4, true}>>;
TYPED_TEST_SUITE(EveryOption, Combinations);

TYPED_TEST(EveryOption, SwitchesAlike) {
  constexpr Options kOptions = TypeParam::kOptions;
  OneCpu<typename TypeParam::Scheme, kOptions> k;
  k.mm->pcpu_cid = 11;
  k.other_mm->pcpu_cid = 22;
  const auto cid = [](std::uint64_t value) { return kOptions.mm_cid == MmCid::v6_4 ? value : 0; };

  k.run(0, k.a1);
  k.expect_running(k.a1, k.idle_task(0));
  EXPECT_EQ(k.a1.mm_cid, cid(11));
  k.idle(0);
  EXPECT_EQ(k.a1.mm_cid, 0u);
  EXPECT_EQ(k.idle_task(0).mm_cid, 0u);
  k.run(0, k.kthread);
  k.run(0, k.b);
  k.expect_running(k.b, k.kthread);
  EXPECT_EQ(k.b.mm_cid, cid(22));
  k.run(0, k.a2);
  EXPECT_EQ(k.b.mm_cid, 0u);
  EXPECT_EQ(k.a2.mm_cid, cid(11));
  EXPECT_EQ(k.cpu(0).rq_lock, 0u);

  for (auto* task : {&k.a2, &k.a1, &k.b}) {
    if (k.current(0) != task) k.run(0, *task);
    k.exit(0);
  }
  k.drain();
  EXPECT_EQ(k.sum().mms_freed, 2u);
  EXPECT_EQ(k.cpu(0).rq_lock, 0u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

}  // namespace
}  // namespace mmscale::kernel
