// SPDX-License-Identifier: MIT
//
// Kernels with one fault each, run like any other. If one of these went unnoticed, so would the same fault in
// a scheme.
//
//   fault                                                            seen as
//   shootdown leaves out the highest CPU of the mask                 DANGLING or USED
//   shootdown's handler acknowledges and does not let go             USED
//   shootdown does not shoot itself                                  DANGLING
//   shootdown sends an IPI that it does not account for              IPIs against requests
//   switch_mm forgets to set the mask bit                            DANGLING
//   switch_mm clears the mask bit again                             DANGLING
//   refcount drops twice now and then                                DANGLING, DOUBLE-FREE
//   refcount forgets a grab now and then                             DANGLING, references taken against
//   returned refcount forgets a drop now and then                             mms freed against born refcount
//   does not move the count when a borrow is broken off     init_mm's mm_count exit_mm's borrow is not
//   counted                                  DANGLING the mm is freed by the scheme and again by its caller
//   DOUBLE-FREE
//
// What runs on x86 cannot show a missing fence between accesses that x86 keeps in order anyway, and a
// store-load reordering only by luck: membarrier's barriers and a hazard pointer's are the explorer's to
// check, not these tests'.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/lifecycle/powerpc.h"
#include "kernel/mm_life.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"
#include "support/run_load.h"
#include "workload/patterns.h"
#include "workload/silicon_load.h"

namespace mmscale::workload {
namespace {

using kernel::Cpu;
using kernel::Reaped;
using kernel::Site;
using kernel::Task;
using kernel::lifecycle::Powerpc;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// One process on both CPUs, or one on each.
constexpr std::array<unsigned, 2> kAll = {0, 0};
constexpr std::array<unsigned, 2> kPrivate = {0, 1};

// What the audit says after some rounds of the pattern.
template <class Scheme, class Lifecycle = Powerpc>
std::vector<std::string> problems_of(std::string_view pattern, const std::array<unsigned, 2>& groups,
                                     std::uint64_t rounds = 5) {
  using K = kernel::Build<machine::silicon::Silicon<true>, Scheme, Lifecycle>;
  SiliconLoad<K> load({.scheme = {}, .transport = "doorbell"},
                      find_pattern(pattern)->build({.groups = groups, .lifetime = 4}));
  test::run_load(load, rounds);
  return load.audit();
}

// True at every fifth call on the same CPU.
template <class K>
bool now_and_then(Cpu<K>& cpu) {
  return ++cpu.scheme.calls % 5 == 0;
}
struct CountsCalls {
  template <class K>
  struct PerCpu {
    unsigned calls = 0;
  };
};

TEST(SeededFaults, WithoutAnyNothingIsFound) {
  for (std::string_view pattern : {"idle", "exit"})
    for (const auto& groups : {kAll, kPrivate}) {
      EXPECT_THAT(problems_of<scheme::Shootdown>(pattern, groups), IsEmpty());
      EXPECT_THAT(problems_of<scheme::Refcount>(pattern, groups), IsEmpty());
    }
}

struct LeavesOutTheHighest : scheme::Shootdown {
  template <class K, Site kSite>
  static Reaped reap(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    unsigned highest = m.cpu();
    kernel::other_cpus_of_mm<K>(m, cpu, mm).for_each([&](unsigned other) { highest = other; });
    if (highest != m.cpu()) {
      const Cpu<K>& missed = *cpu.system->cpus[highest];
      m.fetch_and(mm->cpumask(missed.mask_word), ~missed.mask_bit, std::memory_order_relaxed);
    }
    return Shootdown::reap<K, kSite>(m, cpu, mm);
  }
};

// The CPU left out is lazy on the mm: the next thing it does with it is a use, if it was not seen when it was
// freed.
TEST(SeededFaults, ShootdownLeavesOutTheHighestCpu) {
  EXPECT_THAT(problems_of<LeavesOutTheHighest>("exit", kAll), Contains(HasSubstr("USED")));
}

struct AcknowledgesOnly : scheme::Shootdown {
  template <class K, Site kSite>
  static Reaped reap(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    const auto handler = [](typename K::Machine& target, void*) {
      ++kernel::this_cpu<K>(target).tally.ipis_useless;
    };
    kernel::smp_call_function_many<K>(m, cpu, mm, handler, &kernel::Tally::ipis_shoot);
    return Reaped::free_now;
  }
};

TEST(SeededFaults, ShootdownHandlerDoesNotLetGo) {
  EXPECT_THAT(problems_of<AcknowledgesOnly>("exit", kAll), Contains(HasSubstr("USED")));
}

struct SparesItself : scheme::Shootdown {
  template <class K, Site kSite>
  static Reaped reap(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    m.fetch_and(mm->cpumask(cpu.mask_word), ~cpu.mask_bit, std::memory_order_relaxed);
    return Shootdown::reap<K, kSite>(m, cpu, mm);
  }
};

TEST(SeededFaults, ShootdownSparesItself) {
  for (const auto& groups : {kAll, kPrivate})
    EXPECT_THAT(problems_of<SparesItself>("exit", groups), Contains(HasSubstr("DANGLING")));
}

struct SendsInSecret : scheme::Shootdown {
  template <class K, Site kSite>
  static Reaped reap(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    m.call_many(
        kernel::other_cpus_of_mm<K>(m, cpu, mm), [](typename K::Machine&, void*) {}, nullptr);
    return Shootdown::reap<K, kSite>(m, cpu, mm);
  }
};

TEST(SeededFaults, ShootdownSendsAnIpiUnaccountedFor) {
  EXPECT_THAT(problems_of<SendsInSecret>("exit", kAll), Contains(HasSubstr("requests queued")));
}

struct ForgetsTheMask : Powerpc {
  template <class K>
  static void switch_mm_irqs_off(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm*,
                                 typename Task<K>::Mm* next) {
    m.store(cpu.loaded_mm, next, std::memory_order_relaxed);
  }
};

TEST(SeededFaults, SwitchMmForgetsTheMask) {
  EXPECT_THAT((problems_of<scheme::Shootdown, ForgetsTheMask>("exit", kAll)),
              Contains(HasSubstr("DANGLING")));
  EXPECT_THAT((problems_of<scheme::Refcount, ForgetsTheMask>("exit", kAll)),
              AllOf(Contains(HasSubstr("not in its mm's mask")), Not(Contains(HasSubstr("DANGLING")))))
      << "the kernel's own assertion sees it, but who counts needs no mask to live";
}

struct ClearsTheBitAgain : Powerpc {
  template <class K>
  static void switch_mm_irqs_off(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* prev,
                                 typename Task<K>::Mm* next) {
    Powerpc::switch_mm_irqs_off<K>(m, cpu, prev, next);
    m.fetch_and(next->cpumask(cpu.mask_word), ~cpu.mask_bit, std::memory_order_relaxed);
  }
};

TEST(SeededFaults, SwitchMmClearsTheBitAgain) {
  EXPECT_THAT((problems_of<scheme::Shootdown, ClearsTheBitAgain>("exit", kAll)),
              Contains(HasSubstr("DANGLING")));
}

struct DropsTwice : scheme::Refcount, CountsCalls {
  template <class K, Site kSite>
  static void lazy_exit(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    Refcount::lazy_exit<K, kSite>(m, cpu, mm);
    if (now_and_then(cpu)) kernel::mmdrop<K, kSite>(m, cpu, mm);
  }
};

// The extra drop takes the threads' own reference: freed while they run, and once more when they have exited.
TEST(SeededFaults, RefcountDropsTwice) {
  const std::vector<std::string> problems = problems_of<DropsTwice>("idle", kPrivate, 8);
  EXPECT_THAT(problems, Contains(HasSubstr("DANGLING")));
  EXPECT_THAT(problems, Contains(HasSubstr("DOUBLE-FREE")));
}

struct ForgetsAGrab : scheme::Refcount, CountsCalls {
  template <class K, Site kSite>
  static auto* lazy_enter(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    if (!now_and_then(cpu)) Refcount::lazy_enter<K, kSite>(m, cpu, mm);
    return mm;
  }
};

TEST(SeededFaults, RefcountForgetsAGrab) {
  const std::vector<std::string> problems = problems_of<ForgetsAGrab>("idle", kPrivate, 8);
  EXPECT_THAT(problems, Contains(HasSubstr("DANGLING")));
  EXPECT_THAT(problems, Contains(HasSubstr("lazy references taken")));
}

struct ForgetsADrop : scheme::Refcount, CountsCalls {
  template <class K, Site kSite>
  static void lazy_exit(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    if (!now_and_then(cpu)) Refcount::lazy_exit<K, kSite>(m, cpu, mm);
  }
};

TEST(SeededFaults, RefcountForgetsADrop) {
  EXPECT_THAT(problems_of<ForgetsADrop>("idle", kPrivate, 8), Contains(HasSubstr("mms freed, against born")));
}

struct UnlazyKeepsTheCount : scheme::Refcount {
  template <class K, Site kSite>
  static auto* lazy_enter(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    if (kSite != Site::unlazy) Refcount::lazy_enter<K, kSite>(m, cpu, mm);
    return mm;
  }
};

TEST(SeededFaults, RefcountUnlazyDoesNotCountInitMm) {
  EXPECT_THAT(problems_of<UnlazyKeepsTheCount>("idle", kAll), Contains(HasSubstr("init_mm's mm_count")));
}

struct ExitIsNotCounted : scheme::Refcount {
  template <class K, Site kSite>
  static auto* lazy_enter(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    if (kSite != Site::exit_mm) Refcount::lazy_enter<K, kSite>(m, cpu, mm);
    return mm;
  }
};

TEST(SeededFaults, ExitMmDoesNotCountItsBorrow) {
  EXPECT_THAT(problems_of<ExitIsNotCounted>("idle", kPrivate), Contains(HasSubstr("DANGLING")));
}

struct FreesItself : scheme::Shootdown {
  template <class K, Site kSite>
  static Reaped reap(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    Shootdown::reap<K, kSite>(m, cpu, mm);
    kernel::free_mm<K>(m, cpu, mm);
    return Reaped::free_now;
  }
};

TEST(SeededFaults, SchemeAndCallerBothFree) {
  EXPECT_THAT(problems_of<FreesItself>("exit", kAll), Contains(HasSubstr("DOUBLE-FREE")));
}

}  // namespace
}  // namespace mmscale::workload
