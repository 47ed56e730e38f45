// SPDX-License-Identifier: MIT
//
// The museum's room of barriers: verdict ORDER.
#include "museum.h"

#include <cstdint>

#include "scheme/hazptr.h"
#include "scheme/mailbox.h"
#include "scheme/mailbox_fenced.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"

#if !defined(__SANITIZE_THREAD__)
namespace mmscale::check {
namespace {

constexpr kernel::Options kMmCid = {.mm_cid = kernel::MmCid::v6_4};

// The full barrier on kernel -> user, which the drop of a refcount was: without it membarrier(2) misses a CPU
// that is just entering user mode.
struct ShootdownWithoutBarrier : scheme::Shootdown {
  template <class M>
  static void lazy_exit(M&, kernel::Cpu<M>&, kernel::Mm<M>*, kernel::Site) {}
};

TEST(Museum, MembarrierNeedsTheBarrierOnKernelToUser) {
  const Case membarrier = the_case("membarrier-in");
  EXPECT_TRUE((shows<ShootdownWithoutBarrier, Powerpc>(Violation::order, membarrier)));
  EXPECT_FALSE((shows<scheme::Shootdown, Powerpc>(Violation::order, membarrier)));
  EXPECT_FALSE((shows<scheme::Refcount, Powerpc>(Violation::order, membarrier)));
  // With the concurrency ids of 6.4 on, switch_mm_cid has a barrier there.
  EXPECT_FALSE((shows<ShootdownWithoutBarrier, Powerpc, kMmCid>(Violation::order, membarrier)));
  // For lifetime it is not needed.
  EXPECT_FALSE((shows<ShootdownWithoutBarrier, Powerpc>(Violation::dangling, the_case("exit"))));
}

// Desnoyers' smp_mb() before the slot is filled, left out. Lifetime does not need it: who borrows is a user.
// Nor does membarrier(2): it passes over CPUs whose current task has no mm, and the way back to user mode has
// a barrier of its own.
struct HazptrWithoutEntryFence : scheme::Hazptr {
  template <class M>
  static kernel::Mm<M>* lazy_enter(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm, kernel::Site site) {
    if (kernel::borrows_user_mm(site))
      m.store(kernel::scheme_state<PerCpu>(cpu).slot, mm, std::memory_order_release);
    return mm;
  }
};

TEST(Museum, TheEntryFenceOfHazardPointersIsNotForLifetime) {
  for (const Memory memory : {Memory::tso, Memory::pso, Memory::rc11})
    for (const std::string_view name : {"exit", "reuse"}) {
      EXPECT_FALSE((shows<HazptrWithoutEntryFence, Powerpc>(Violation::dangling, the_case(name), memory)))
          << name;
      EXPECT_FALSE((shows<HazptrWithoutEntryFence, Powerpc>(Violation::used, the_case(name), memory)))
          << name;
    }
  EXPECT_FALSE(
      (shows<HazptrWithoutEntryFence, Powerpc>(Violation::dangling, the_case("last-drop-elsewhere"))));
  for (const std::string_view name : {"membarrier-in", "membarrier-round"})
    EXPECT_FALSE((shows<HazptrWithoutEntryFence, Powerpc>(Violation::order, the_case(name)))) << name;
}

// What leans on it is the concurrency ids of 6.4 to 6.12 (kernel/sched/sched.h, core.c). A CPU that switches
// from user to kernel stores rq->curr and then looks whether its id was marked lazy-put (mm_cid_put_lazy);
// who compacts ids marks it and then looks whether that CPU still runs the mm (sched_mm_cid_remote_clear).
// Each leaves the id to the other if both look first: store buffering. switch_mm_cid leaves its barrier to a
// scheme that says it has one.
template <class Scheme>
struct WithConcurrencyIds : Scheme {
  static constexpr std::uint64_t kUnset = 0;
  static constexpr std::uint64_t kLazyPut = 1;
  static constexpr std::uint64_t kInUse = 2;

  template <class M>
  struct PerCpu : Scheme::template PerCpu<M> {
    // The mm whose id of CPU 1 was marked, by the CPU that did.
    kernel::Mm<M>* marked = nullptr;
  };

  // mm_cid_put_lazy(prev), on CPU 1: some instructions later than in switch_mm_cid, no barrier among them.
  template <class M>
  static void switched(M& m, kernel::Cpu<M>& cpu) {
    using enum std::memory_order;
    const kernel::Task<M>& task = *m.load(cpu.curr, relaxed);
    if (m.cpu() != 1 || task.mm.get(m) != nullptr) return;
    auto* const mm = m.load(task.active_mm, relaxed);
    if (m.load(mm->pcpu_cid, relaxed) == kLazyPut) m.exchange(mm->pcpu_cid, kUnset, seq_cst);
  }

  // sched_mm_cid_remote_clear() of CPU 1's id, from task_tick_mm_cid.
  template <class M>
  static void drain(M& m, kernel::Cpu<M>& cpu, kernel::Drain when) {
    using enum std::memory_order;
    if (when == kernel::Drain::end) {
      if (kernel::scheme_state<PerCpu>(cpu).marked != nullptr &&
          m.load(kernel::scheme_state<PerCpu>(cpu).marked->pcpu_cid, relaxed) == kLazyPut)
        kernel::report(m, cpu, Violation::order, "a concurrency id that both CPUs leave to the other");
      return;
    }
    auto* const mm = m.load(cpu.curr, relaxed)->mm.get(m);
    kernel::scheme_state<PerCpu>(cpu).marked = mm;
    m.exchange(mm->pcpu_cid, kLazyPut, seq_cst);
    m.fence_after_rmw();
    if (m.load(cpu.system->cpus[1]->curr, relaxed)->mm.get(m) == mm) return;
    m.exchange(mm->pcpu_cid, kUnset, seq_cst);
  }
};

const Case kCompacted = {.name = "compacted",
                         .what = "CPU 0 compacts concurrency ids while CPU 1 goes idle",
                         .task_mm = {0, 0},
                         .before = {{0, {Act::run, 0}}, {1, {Act::run, 1}}},
                         .programs = {{{Act::tick}}, {{Act::idle}}}};

TEST(Museum, TheEntryFenceOfHazardPointersIsForConcurrencyIds) {
  for (const Memory memory : {Memory::tso, Memory::pso, Memory::rc11}) {
    EXPECT_TRUE((shows<WithConcurrencyIds<HazptrWithoutEntryFence>, Powerpc, kMmCid>(Violation::order,
                                                                                     kCompacted, memory)));
    EXPECT_FALSE(
        (shows<WithConcurrencyIds<scheme::Hazptr>, Powerpc, kMmCid>(Violation::order, kCompacted, memory)));
  }
  EXPECT_FALSE((shows<WithConcurrencyIds<HazptrWithoutEntryFence>, Powerpc, kMmCid>(Violation::order,
                                                                                    kCompacted, Memory::sc)));
}

// The other one is: without it ORDER.
struct HazptrWithoutExitFence : scheme::Hazptr {
  template <class M>
  static void lazy_exit(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>*, kernel::Site site) {
    if (site != kernel::Site::finish_cpu)
      m.store(kernel::scheme_state<PerCpu>(cpu).slot, nullptr, std::memory_order_release);
  }
};

TEST(Museum, TheExitFenceOfHazardPointersIsForMembarrier) {
  EXPECT_TRUE((shows<HazptrWithoutExitFence, Powerpc>(Violation::order, the_case("membarrier-in"))));
  EXPECT_FALSE((shows<scheme::Hazptr, Powerpc>(Violation::order, the_case("membarrier-in"))));
  EXPECT_FALSE((shows<scheme::Hazptr, Powerpc>(Violation::order, the_case("membarrier-round"))));
}

TEST(Museum, TheMailboxAsPostedBreaksMembarrier) {
  EXPECT_TRUE((shows<scheme::Mailbox, Powerpc>(Violation::order, the_case("membarrier-in"))));
  EXPECT_FALSE((shows<scheme::MailboxFenced, Powerpc>(Violation::order, the_case("membarrier-in"))));
}

}  // namespace
}  // namespace mmscale::check
#endif
