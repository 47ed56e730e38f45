// SPDX-License-Identifier: MIT
//
// exec_mmap, by hand: by a user task, by a kernel thread, and with an interrupt in the middle.
#include "kernel/exec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernel/lifecycle/x86_2017.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"
#include "support/by_hand.h"

namespace mmscale::kernel {
namespace {

using test::Build;
using test::ByHand;
using testing::ElementsAre;
using testing::IsEmpty;

template <class Build>
struct Execing : ByHand<typename Build::Scheme, typename Build::Lifecycle> {
  using Base = ByHand<typename Build::Scheme, typename Build::Lifecycle>;

  explicit Execing(Rules rules = {}) : Base(2, 4, rules), mm(this->fork({&task})) {}

  typename Base::Mm* exec(unsigned n) {
    auto* fresh = mm_alloc(this->m(n), this->cpu(n), 1);
    exec_mmap(this->m(n), this->cpu(n), fresh);
    return fresh;
  }

  typename Base::Task task, kthread;
  typename Base::Mm* mm;
};

template <class Build>
class Exec : public testing::Test {};
using ExecBuilds =
    testing::Types<Build<scheme::Refcount, lifecycle::Powerpc>, Build<scheme::Shootdown, lifecycle::Powerpc>,
                   Build<scheme::Refcount, lifecycle::X86_2017>>;
TYPED_TEST_SUITE(Exec, ExecBuilds);

TYPED_TEST(Exec, AUserTaskLeavesItsMmWithoutBorrowingIt) {
  Execing<TypeParam> k;
  k.run(0, k.task);
  const Tally before = k.sum();
  auto* fresh = k.exec(0);
  EXPECT_EQ(k.task.mm, fresh);
  EXPECT_EQ(k.active(0), fresh);
  EXPECT_EQ(k.cpu(0).loaded_mm, fresh);
  EXPECT_TRUE(k.is_free(k.mm)) << "nobody was lazy on it";
  EXPECT_EQ(k.sum().since(before).mm_count_ops(), 0u);
  EXPECT_THAT(k.findings(), IsEmpty());
}

TYPED_TEST(Exec, AKernelThreadEndsItsBorrow) {
  Execing<TypeParam> k;
  constexpr int kBorrow = TypeParam::Scheme::kCounted ? 1 : 0;
  k.run(0, k.task);
  k.run(0, k.kthread);
  EXPECT_EQ(k.mm_count(k.mm), 1 + kBorrow);
  auto* fresh = k.exec(0);
  EXPECT_EQ(k.kthread.mm, fresh);
  EXPECT_EQ(k.mm_count(k.mm), 1);
  EXPECT_EQ(k.mm->mm_users, 1) << "it never lived there";
  k.exit(0);
  k.drain();
  EXPECT_TRUE(k.is_free(fresh));
  EXPECT_THAT(k.findings(), IsEmpty());
}

// A kernel thread on CPU 0 borrows the mm of a process and execs; the process ends on CPU 1 as soon as CPU 0
// has interrupts on, in the middle of the exec or after it. What the oracle saw.
std::vector<std::string> exec_while_the_borrowed_mm_dies(bool irqs_off_activate_mm) {
  using Kernel = ByHand<scheme::Shootdown>;
  struct Story {
    explicit Story(Rules rules) : k(3, 4, rules), mm(k.fork({&task})) {}
    Kernel k;
    Kernel::Task task, kthread;
    Kernel::Mm* mm;
  };
  Story story({.irqs_off_activate_mm = irqs_off_activate_mm});
  Kernel& k = story.k;
  k.run(0, story.task);
  k.run(0, story.kthread);
  k.run(1, story.task);
  auto* fresh = mm_alloc(k.m(0), k.cpu(0), 1);
  // A request of CPU 2's waits for CPU 0, whose handler runs the story of CPU 1; nested, since the shootdown
  // must be taken too.
  k.transport.on_raise = [&](const machine::CpuMask&) {
    k.transport.on_raise = nullptr;
    exec_mmap(k.m(0), k.cpu(0), fresh);
  };
  machine::CpuMask cpu_0(3);
  cpu_0.set(0);
  k.m(2).call_many(
      cpu_0,
      [](Kernel::Machine& m, void* info) {
        m.irq_enable();
        static_cast<Story*>(info)->k.exit(1);
        m.irq_disable();
      },
      &story);
  EXPECT_TRUE(k.is_free(story.mm));
  EXPECT_EQ(k.active(0), fresh);
  EXPECT_EQ(k.cpu(0).loaded_mm, fresh);
  return k.findings();
}

TEST(IrqsOffActivateMm, KeepsTheShootdownOut) {
  EXPECT_THAT(exec_while_the_borrowed_mm_dies(true), IsEmpty());
}

TEST(IrqsOffActivateMm, WithoutItAShooterIsToldNoTooEarly) {
  EXPECT_THAT(exec_while_the_borrowed_mm_dies(false),
              ElementsAre("USED on cpu 1 in free_mm: still loaded", "COMPARED on cpu 0 in exec_mmap",
                          "USED on cpu 0 in exec_mmap"));
}

}  // namespace
}  // namespace mmscale::kernel
