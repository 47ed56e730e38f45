// SPDX-License-Identifier: MIT
//
// The race museum: bugs and disputes in the history of lazy TLB, each as a case with the code before and
// after. The explorer must find the first and prove the second.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "check/case.h"
#include "check/kernel_program.h"
#include "kernel/lifecycle/catalogue.h"
#include "machine/explorer/explore.h"
#include "scheme/catalogue.h"

// One thread runs all: ThreadSanitizer has nothing to find, and takes a millisecond to start a fiber anew.
#if !defined(__SANITIZE_THREAD__)
namespace mmscale::check {
namespace {

using kernel::Violation;
using kernel::lifecycle::Powerpc;
using kernel::lifecycle::X86_2017;
using kernel::lifecycle::X86_2024;
using machine::explorer::Ending;
using machine::explorer::Memory;

Case the_case(std::string_view name) {
  for (const Case& one : cases())
    if (one.name == name) return one;
  throw std::invalid_argument(std::string(name));
}

constexpr unsigned only(Violation violation) { return 1u << static_cast<unsigned>(violation); }

// Whether some interleaving ends in `violation`; the test fails if that could not be decided.
template <class Scheme, class Lifecycle>
bool shows(Violation violation, const Case& one, Memory memory = Memory::tso) {
  KernelProgram<Scheme, Lifecycle> program(one, only(violation));
  machine::explorer::Limits limits;
  limits.steps = 20'000'000;
  const machine::explorer::Result result = machine::explorer::explore(program, memory, limits);
  EXPECT_NE(result.ending, Ending::stopped) << one.name;
  return result.ending != Ending::exhausted;
}

// Nothing tracked, nobody asked: what the oracle must be able to see.
TEST(Museum, UntrackedIsDanglingAndUsed) {
  const Case exit = the_case("exit");
  EXPECT_TRUE((shows<scheme::Untracked, Powerpc>(Violation::dangling, exit)));
  EXPECT_TRUE((shows<scheme::Untracked, Powerpc>(Violation::used, exit)));
  EXPECT_FALSE((shows<scheme::Refcount, Powerpc>(Violation::dangling, exit)));
  EXPECT_FALSE((shows<scheme::Refcount, Powerpc>(Violation::used, exit)));
}

// June 2021: switching refcounting off on x86 as it was leaves active_mm dangling. One CPU exiting alone is
// enough, since its own exit flush moves loaded_mm and clears its bit. On powerpc it does not.
TEST(Museum, ShootdownDanglesUnderTheX86RulesOf2021) {
  const Case alone = the_case("alone");
  EXPECT_TRUE((shows<scheme::Shootdown, X86_2017>(Violation::dangling, alone)));
  EXPECT_FALSE((shows<scheme::Shootdown, Powerpc>(Violation::dangling, alone)));
  EXPECT_FALSE((shows<scheme::Refcount, X86_2017>(Violation::dangling, alone)));
}

// The other side of the dispute: x86's switch_mm never looks at the dangling pointer, so that it takes a
// reader of its own, such as an NMI, to use freed memory.
TEST(Museum, WhatDanglesOnX86IsUsedOnlyByAReaderOfItsOwn) {
  const Case with_nmi = the_case("alone");
  Case without_nmi = with_nmi;
  std::erase_if(without_nmi.programs[0], [](const Step& step) { return step.act == Act::nmi; });
  EXPECT_TRUE((shows<scheme::Shootdown, X86_2017>(Violation::used, with_nmi)));
  EXPECT_TRUE((shows<scheme::Shootdown, X86_2017>(Violation::dangling, without_nmi)));
  EXPECT_FALSE((shows<scheme::Shootdown, X86_2017>(Violation::used, without_nmi)));
}

// Since 209954cbc7d0 a bit survives the first flush that finds another mm loaded, so that it takes two.
TEST(Museum, LazyMaskUpdatesOf2024NeedOneFlushMore) {
  EXPECT_FALSE((shows<scheme::Shootdown, X86_2024>(Violation::dangling, the_case("alone"))));
  EXPECT_TRUE((shows<scheme::Shootdown, X86_2024>(Violation::dangling, the_case("trimmed"))));
}

// 21641bd9a7a7: a CPU that goes offline left the masks before it left the mm it borrowed.
TEST(Museum, OffliningLeftTheMaskBeforeTheMm) {
  Case before = the_case("offline");
  before.rules.hotplug = kernel::Hotplug::before;
  EXPECT_TRUE((shows<scheme::Shootdown, Powerpc>(Violation::dangling, before)));
  EXPECT_FALSE((shows<scheme::Shootdown, Powerpc>(Violation::dangling, the_case("offline"))));
  // Hazard pointers have the same hole: an offline CPU takes no IPI.
  EXPECT_TRUE((shows<scheme::Hazptr, Powerpc>(Violation::dangling, before)));
  EXPECT_FALSE((shows<scheme::Hazptr, Powerpc>(Violation::dangling, the_case("offline"))));
}

// Riding on powerpc's exit flush alone: the flush skips the sender, who is lazy on the mm itself.
TEST(Museum, TheExitFlushOfPowerpcSkipsItsSender) {
  EXPECT_TRUE((shows<scheme::Implicit, Powerpc>(Violation::dangling, the_case("alone"))));
  EXPECT_FALSE((shows<scheme::ShootdownExitflush, Powerpc>(Violation::dangling, the_case("alone"))));
}

// An mm without page tables is not flushed at exit, so that nobody is told.
TEST(Museum, WithoutPageTablesThereIsNoFlushToRideOn) {
  EXPECT_TRUE((shows<scheme::Implicit, X86_2017>(Violation::used, the_case("no-tables"))));
}

// The full barrier on kernel -> user, which the drop of a refcount was: without it membarrier(2) misses a CPU
// that is just entering user mode.
struct ShootdownWithoutBarrier : scheme::Shootdown {
  template <class K, kernel::Site kSite>
  static void lazy_exit(typename K::Machine&, kernel::Cpu<K>&, typename kernel::Task<K>::Mm*) {}
};

TEST(Museum, MembarrierNeedsTheBarrierOnKernelToUser) {
  const Case membarrier = the_case("membarrier-in");
  EXPECT_TRUE((shows<ShootdownWithoutBarrier, Powerpc>(Violation::order, membarrier)));
  EXPECT_FALSE((shows<scheme::Shootdown, Powerpc>(Violation::order, membarrier)));
  EXPECT_FALSE((shows<scheme::Refcount, Powerpc>(Violation::order, membarrier)));
  // For lifetime it is not needed.
  EXPECT_FALSE((shows<ShootdownWithoutBarrier, Powerpc>(Violation::dangling, the_case("exit"))));
}

// The shooter must ask every CPU of the mask, itself included.
struct ShootdownForgetsSelf : scheme::Shootdown {
  template <class K, kernel::Site kSite>
  static kernel::Reaped reap(typename K::Machine& m, kernel::Cpu<K>& cpu, typename kernel::Task<K>::Mm* mm) {
    kernel::PreemptOff<K> preempt(cpu);
    kernel::smp_call_function_many<K>(m, cpu, mm, kernel::do_shoot_lazy_tlb<K>, &kernel::Tally::ipis_shoot);
    return kernel::Reaped::free_now;
  }
};

TEST(Museum, TheShooterIsABorrowerToo) {
  EXPECT_TRUE((shows<ShootdownForgetsSelf, Powerpc>(Violation::dangling, the_case("alone"))));
  EXPECT_FALSE((shows<scheme::Shootdown, Powerpc>(Violation::dangling, the_case("alone"))));
}

}  // namespace
}  // namespace mmscale::check
#endif
