// SPDX-License-Identifier: MIT
//
// The race museum: bugs and disputes in the history of lazy TLB, each as a case with the code before and
// after. The explorer must find the first and prove the second. Beside this room: fences_test.cc (ORDER),
// readers_test.cc (who follows a dangling pointer), tlb_test.cc, rcu_test.cc.
#include "museum.h"

#include <cstdint>

#include "scheme/catalogue.h"

// One thread runs all: ThreadSanitizer has nothing to find, and takes a millisecond to start a fiber anew.
#if !defined(__SANITIZE_THREAD__)
namespace mmscale::check {
namespace {

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
  EXPECT_FALSE((shows<scheme::Refcount, X86_2017>(Violation::used, the_case("no-tables"))));
  EXPECT_FALSE((shows<scheme::Shootdown, Powerpc>(Violation::used, the_case("no-tables"))));
}

// The shooter must ask every CPU of the mask, itself included.
struct ShootdownForgetsSelf : scheme::Shootdown {
  template <class M>
  static kernel::Reaped reap(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm, kernel::Site) {
    kernel::PreemptOff<M> preempt(cpu);
    kernel::smp_call_function_many(m, cpu, mm, kernel::do_shoot_lazy_tlb<M>, &kernel::Tally::ipis_shoot);
    return kernel::Reaped::free_now;
  }
};

TEST(Museum, TheShooterIsABorrowerToo) {
  EXPECT_TRUE((shows<ShootdownForgetsSelf, Powerpc>(Violation::dangling, the_case("alone"))));
  EXPECT_FALSE((shows<scheme::Shootdown, Powerpc>(Violation::dangling, the_case("alone"))));
}

// ---- hazard pointers -------------------------------------------------------------------------------------

// powerpc with the last line of its switch_mm, VM_WARN_ON_ONCE(!cpumask_test_cpu(cpu, mm_cpumask(prev))), as
// a use of prev; and a hook before the first line, for schemes that end a borrow too early.
template <class Scheme>
struct PowerpcReadsPrevLast : Powerpc {
  template <class M>
  static void switch_mm_irqs_off(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* prev, kernel::Mm<M>* next) {
    if constexpr (requires { Scheme::before_switch_mm(m, cpu, prev); })
      Scheme::before_switch_mm(m, cpu, prev);
    Powerpc::switch_mm_irqs_off(m, cpu, prev, next);
    if ((m.load(prev->generation, std::memory_order_relaxed) & 1u) != 0)
      kernel::report(m, cpu, Violation::used, "switch_mm_irqs_off: the mask of prev");
  }
};

struct HazptrClearsTooEarly : scheme::Hazptr {
  template <class M>
  static void before_switch_mm(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>*) {
    m.store(kernel::scheme_state<PerCpu>(cpu).slot, nullptr, std::memory_order_release);
  }
};

TEST(Museum, AHazardPointerIsClearedBehindTheLastUseOfPrev) {
  EXPECT_TRUE((shows<HazptrClearsTooEarly, PowerpcReadsPrevLast<HazptrClearsTooEarly>>(Violation::used,
                                                                                       the_case("exit"))));
  EXPECT_FALSE(
      (shows<scheme::Hazptr, PowerpcReadsPrevLast<scheme::Hazptr>>(Violation::used, the_case("exit"))));
}

// ---- the wrong hook --------------------------------------------------------------------------------------

// Filter that says "no longer mine" before switch_mm and not behind it.
struct FilterPublishesTooEarly : scheme::ShootdownFilter {
  template <class M>
  static void before_switch_mm(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>*) {
    m.store(kernel::scheme_state<PerCpu>(cpu).lazy_mm, nullptr, std::memory_order_release);
  }
};

TEST(Museum, FilterPublishesTheEndBehindSwitchMm) {
  EXPECT_TRUE((shows<FilterPublishesTooEarly, PowerpcReadsPrevLast<FilterPublishesTooEarly>>(
      Violation::used, the_case("exit"))));
  EXPECT_FALSE((shows<scheme::ShootdownFilter, PowerpcReadsPrevLast<scheme::ShootdownFilter>>(
      Violation::used, the_case("exit"))));
}

// Trim that leaves the mask in finish_task_switch, interrupts on, where the dropper may have freed the mm.
struct TrimInFinishTaskSwitch : scheme::ShootdownTrim {
  template <class M>
  static void lazy_leave(M&, kernel::Cpu<M>&, kernel::Mm<M>*) {}
  template <class M>
  static void lazy_exit(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm, kernel::Site) {
    m.fence();
    if (m.load(kernel::scheme_state<PerMm>(mm).dying, std::memory_order_acquire) == 0) return;
    kernel::use_borrow(m, cpu, mm, "lazy_exit: trim looks into the mm");
    kernel::leave_mask(m, cpu, mm);
  }
};

TEST(Museum, TrimLeavesTheMaskWhileInterruptsAreOff) {
  EXPECT_TRUE((shows<TrimInFinishTaskSwitch, Powerpc>(Violation::used, the_case("exit"))));
  EXPECT_FALSE((shows<scheme::ShootdownTrim, Powerpc>(Violation::used, the_case("exit"))));
}

// Quiesce that takes every context switch for the end of a borrow, as RCU does: kernel -> kernel hands the
// borrow on.
struct QuiesceAtEverySwitch : scheme::Quiesce {
  template <class M>
  static void switched(M& m, kernel::Cpu<M>& cpu) {
    using enum std::memory_order;
    m.store(kernel::scheme_state<PerCpu>(cpu).borrows,
            m.load(kernel::scheme_state<PerCpu>(cpu).borrows, relaxed) + 2, release);
  }
};

TEST(Museum, AKernelToKernelSwitchEndsNoBorrow) {
  EXPECT_TRUE((shows<QuiesceAtEverySwitch, Powerpc>(Violation::dangling, the_case("handed-on"))));
  EXPECT_FALSE((shows<scheme::Quiesce, Powerpc>(Violation::dangling, the_case("handed-on"))));
}

// ---- counting --------------------------------------------------------------------------------------------

// A sum of the counters and then the mark that they no longer count: who returns a reference in between has
// returned one that was counted already.
struct PercpuNaiveSum : scheme::Percpu {
  template <class M>
  static void users_gone(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm) {
    using enum std::memory_order;
    std::int32_t borrowed = 0;
    for (unsigned c = 0; c < m.cpus(); ++c)
      borrowed += m.load(kernel::scheme_state<PerMmPerCpu>(mm, c, m.cpus()).count, acquire);
    m.fetch_add(mm->mm_count(kLayout), borrowed, relaxed);
    for (unsigned c = 0; c < m.cpus(); ++c)
      m.store(kernel::scheme_state<PerMmPerCpu>(mm, c, m.cpus()).count, INT32_MIN / 2, release);
    cpu.tally.lazy_grabs += static_cast<std::uint64_t>(borrowed);
  }
};

TEST(Museum, ANaiveSumOfPerCpuCountersLosesAReturn) {
  EXPECT_TRUE((shows<PercpuNaiveSum, Powerpc>(Violation::leak, the_case("exit"))));
  EXPECT_FALSE((shows<scheme::Percpu, Powerpc>(Violation::leak, the_case("exit"))));
}

// ---- the mailbox -----------------------------------------------------------------------------------------

// As Lutomirski's patch of June 2021 has it: who finds a reference in the mailbox drops it for the owner, who
// must be done with it, having been seen with another mm. That was before the exchange; it may have gone on.
struct Mailbox2021 : scheme::Mailbox {
  template <class M>
  static void users_gone(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm) {
    hand_out(m, cpu, mm, [&](kernel::Cpu<M>& borrower) {
      auto* displaced =
          m.exchange(kernel::scheme_state<PerCpu>(borrower).drop_mm, mm, std::memory_order_acq_rel);
      if (displaced != nullptr) kernel::mmdrop(m, cpu, displaced, kernel::Site::mmdrop);
    });
  }
};

TEST(Museum, ADisplacedReferenceOfTheMailboxMayBeTheNewerOne) {
  EXPECT_TRUE((shows<Mailbox2021, Powerpc>(Violation::dangling, the_case("exec"))));
  EXPECT_FALSE((shows<scheme::Mailbox, Powerpc>(Violation::dangling, the_case("exec"))));
  EXPECT_FALSE((shows<scheme::Mailbox, Powerpc>(Violation::used, the_case("exec"))));
}

// The owner that finds a reference it still needs and puts it back with a plain store, over one that came in
// meanwhile.
struct MailboxPutsBackBlindly : scheme::Mailbox {
  template <class M>
  static void switched(M& m, kernel::Cpu<M>& cpu) {
    using enum std::memory_order;
    if (m.load(kernel::scheme_state<PerCpu>(cpu).drop_mm, relaxed) == nullptr) return;
    auto* mm = m.exchange(kernel::scheme_state<PerCpu>(cpu).drop_mm, nullptr, acquire);
    if (mm != nullptr && mm == m.load(kernel::scheme_state<PerCpu>(cpu).lazy_mm, relaxed))
      m.store(kernel::scheme_state<PerCpu>(cpu).drop_mm, mm, release);
    else if (mm != nullptr)
      kernel::mmdrop(m, cpu, mm, kernel::Site::context_switch);
  }
};

TEST(Museum, AReferencePutBackIntoTheMailboxMayOverwriteAnother) {
  EXPECT_TRUE((shows<MailboxPutsBackBlindly, X86_2017>(Violation::leak, the_case("exec"))));
  EXPECT_FALSE((shows<scheme::Mailbox, X86_2017>(Violation::leak, the_case("exec"))));
  EXPECT_FALSE((shows<scheme::Mailbox, Powerpc>(Violation::leak, the_case("exec"))));
}

// ---- powerpc's trimming ----------------------------------------------------------------------------------

// exit_lazy_flush_tlb() was written as an IPI handler; the trim clock called it directly, interrupts on.
struct PowerpcTrimsWithInterruptsOn : Powerpc {
  template <class M>
  static void flush_tlb_mm(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm,
                           kernel::Freed freed = kernel::Freed::pages) {
    kernel::PreemptOff<M> preempt(cpu);
    if (m.load(cpu.curr, std::memory_order_relaxed)->mm.get(m) != mm)
      exit_lazy_flush_tlb(m, cpu, mm);
    else
      Powerpc::flush_tlb_mm(m, cpu, mm, freed);
  }

 private:
  template <class M>
  static void exit_lazy_flush_tlb(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm) {
    using enum std::memory_order;
    kernel::expect_irqs_off(m, cpu, "exit_lazy_flush_tlb");
    kernel::Task<M>& task = *m.load(cpu.curr, relaxed);
    if (task.mm.get(m) == mm) return;
    if (m.load(task.active_mm, relaxed) == mm) kernel::unlazy(m, cpu, mm);
    Powerpc::leave_mask(m, cpu, mm);
  }
};

// The clock ticks at every flush that a kernel thread makes.
struct PowerpcTrimsWithInterruptsOff : PowerpcTrimsWithInterruptsOn {
  template <class M>
  static void flush_tlb_mm(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm,
                           kernel::Freed freed = kernel::Freed::pages) {
    kernel::IrqSave irq(m);
    if (m.load(cpu.curr, std::memory_order_relaxed)->mm.get(m) != mm)
      PowerpcTrimsWithInterruptsOn::flush_tlb_mm(m, cpu, mm, freed);
  }
};

const Case kTrimClock = {
    .name = "trim-clock",
    .what = "a kernel thread on CPU 1, lazy on the mm, flushes it; so does its only thread",
    .cpus = 2,
    .task_mm = {0},
    .before = {{1, {Act::run, 0}}, {1, {Act::kthread}}, {0, {Act::run, 0}}},
    .programs = {{{Act::flush_pages}}, {{Act::flush_other, 0}}}};

TEST(Museum, TheTrimClockCallsAnIpiHandlerWithInterruptsOff) {
  EXPECT_TRUE((shows<scheme::Shootdown, PowerpcTrimsWithInterruptsOn>(Violation::assertion, kTrimClock)));
  EXPECT_FALSE((shows<scheme::Shootdown, PowerpcTrimsWithInterruptsOff>(Violation::assertion, kTrimClock)));
  // An IPI that unlazies between the look and the deed: the reference is returned twice, so that the mm is
  // freed while its process lives.
  EXPECT_TRUE((shows<scheme::Refcount, PowerpcTrimsWithInterruptsOn>(Violation::dangling, kTrimClock)));
  EXPECT_FALSE((shows<scheme::Refcount, PowerpcTrimsWithInterruptsOff>(Violation::dangling, kTrimClock)));
}

// ---- asking a CPU that does not know ---------------------------------------------------------------------

// Without ARCH_WANT_IRQS_OFF_ACTIVATE_MM an IPI may find active_mm set to the new mm while the old one is
// loaded, and is answered "not me".
TEST(Museum, AKernelThreadsExecAnswersTooEarly) {
  Case before = the_case("exec");
  before.rules.irqs_off_activate_mm = false;
  EXPECT_TRUE((shows<scheme::Shootdown, Powerpc>(Violation::used, before)));
  EXPECT_TRUE((shows<scheme::Hazptr, Arm64>(Violation::used, before)));
  EXPECT_FALSE((shows<scheme::Refcount, Powerpc>(Violation::used, before)));
  EXPECT_FALSE((shows<scheme::Shootdown, Powerpc>(Violation::used, the_case("exec"))));
  EXPECT_FALSE((shows<scheme::Hazptr, Arm64>(Violation::used, the_case("exec"))));
}

// ---- where no flush comes --------------------------------------------------------------------------------

// A CPU that halts in a paravirtual guest is not interrupted; it is lazy on the mm all the same.
TEST(Museum, AParavirtualFlushMissesAHaltedCpu) {
  const Case deep_idle = the_case("deep-idle");
  EXPECT_TRUE((shows<scheme::Implicit, X86Noflush>(Violation::used, deep_idle)));
  EXPECT_FALSE((shows<scheme::Refcount, X86Noflush>(Violation::used, deep_idle)));
  EXPECT_FALSE((shows<scheme::ShootdownFilterAll, X86Noflush>(Violation::used, deep_idle)));
}

// An mm on more than three CPUs gets a global ASID: INVLPGB, and nobody is interrupted.
TEST(Museum, ABroadcastFlushInterruptsNobody) {
  const Case broadcast = {.name = "broadcast",
                          .what = "three CPUs are lazy on the mm that dies on CPU 0",
                          .cpus = 4,
                          .task_mm = {0},
                          .before = {{1, {Act::run, 0}},
                                     {1, {Act::idle}},
                                     {2, {Act::run, 0}},
                                     {2, {Act::idle}},
                                     {3, {Act::run, 0}},
                                     {3, {Act::idle}},
                                     {0, {Act::run, 0}}},
                          .programs = {{{Act::exit}}, {}, {}, {}}};
  EXPECT_TRUE((shows<scheme::Implicit, X86Noflush>(Violation::dangling, broadcast)));
  EXPECT_FALSE((shows<scheme::Refcount, X86Noflush>(Violation::dangling, broadcast)));
}

// ---- who drops last --------------------------------------------------------------------------------------

// The exit flush for all others and one look at oneself: right as long as the last drop is the exiting CPU's.
struct ImplicitAndSelf : scheme::Implicit {
  template <class M>
  static kernel::Reaped reap(M& m, kernel::Cpu<M>&, kernel::Mm<M>* mm, kernel::Site) {
    kernel::IrqSave irq(m);
    kernel::shoot_self(m, mm);
    return kernel::Reaped::free_now;
  }
};

TEST(Museum, TheLastDropMayBeOnAnotherCpu) {
  EXPECT_FALSE((shows<ImplicitAndSelf, Powerpc>(Violation::dangling, the_case("exit"))));
  EXPECT_TRUE((shows<ImplicitAndSelf, Powerpc>(Violation::dangling, the_case("last-drop-elsewhere"))));
  EXPECT_FALSE(
      (shows<scheme::ShootdownExitflush, Powerpc>(Violation::dangling, the_case("last-drop-elsewhere"))));
}

// ---- found here ------------------------------------------------------------------------------------------

// sched_force_init_mm() of 21641bd9a7a7 reads active_mm before it turns interrupts off: the shootdown that
// comes in between moves the CPU to init_mm and lets the mm be freed, and switch_mm is given the freed prev.
TEST(Museum, ForcingInitMmReadsActiveMmTooEarly) {
  EXPECT_TRUE((shows<scheme::Shootdown, Powerpc>(Violation::used, the_case("offline"))));
  EXPECT_FALSE((shows<scheme::Refcount, Powerpc>(Violation::used, the_case("offline"))));
}

}  // namespace
}  // namespace mmscale::check
#endif
