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
  before.more.rules.hotplug = kernel::Hotplug::before;
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
struct MailboxDropsBlindly : scheme::Mailbox {
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
  EXPECT_TRUE((shows<MailboxDropsBlindly, Powerpc>(Violation::dangling, the_case("exec"))));
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

// exit_lazy_flush_tlb() was written as an IPI handler; the trim clock calls it directly, interrupts on. Since
// dfaed3e1fa70 (6.4) they are off for the change of page tables, and not for the tests before it and the clearing of the
// mask behind it. Here they are off for all.
struct PowerpcTrimsWithInterruptsOff : Powerpc {
  template <class M>
  static void flush_tlb_mm(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm,
                           kernel::Freed freed = kernel::Freed::pages) {
    if (m.load(cpu.curr, std::memory_order_relaxed)->mm.get(m) == mm)
      return Powerpc::flush_tlb_mm(m, cpu, mm, freed);
    // As if another CPU had sent the IPI: what the clock may do, and a flush of everybody.
    kernel::tlb::broadcast(m, mm);
    kernel::PreemptOff<M> preempt(cpu);
    kernel::IrqSave irq(m);
    kernel::Task<M>& task = *m.load(cpu.curr, std::memory_order_relaxed);
    if (m.load(task.active_mm, std::memory_order_relaxed) == mm) kernel::unlazy(m, cpu, mm);
    Powerpc::leave_mask(m, cpu, mm);
  }
};

// Two CPUs that trim at once count one CPU out of active_cpus twice, and return one lazy reference twice. The first makes a
// later flush look unneeded, while a thread runs on; the second frees an mm in use, where lazy borrows are counted.
TEST(Museum, TheTrimClockCallsAnIpiHandlerWithInterruptsOn) {
  const Case cross = the_case("trims-cross");
  EXPECT_TRUE((shows<scheme::Shootdown, Powerpc>(Violation::tlb, cross)));
  EXPECT_FALSE((shows<scheme::Shootdown, PowerpcTrimsWithInterruptsOff>(Violation::tlb, cross)));
  EXPECT_TRUE((shows<scheme::Refcount, Powerpc>(Violation::dangling, cross)));
  EXPECT_FALSE((shows<scheme::Refcount, PowerpcTrimsWithInterruptsOff>(Violation::dangling, cross)));
}

// sched_force_init_mm() reads active_mm before it turns interrupts off: a trim in between returns the reference that it
// then returns once more. Book3S-64 counts none, and nobody else trims.
TEST(Museum, OffliningMayReturnALazyReferenceTwice) {
  EXPECT_TRUE((shows<scheme::Refcount, Powerpc>(Violation::dangling, the_case("offline-trimmed"))));
  EXPECT_FALSE((shows<scheme::Refcount, kernel::lifecycle::PowerpcHash>(Violation::dangling,
                                                                        the_case("offline-trimmed"))));
  EXPECT_FALSE((shows<scheme::Refcount, X86_2025>(Violation::dangling, the_case("offline-trimmed"))));
}

// ---- asking a CPU that does not know ---------------------------------------------------------------------

// Without ARCH_WANT_IRQS_OFF_ACTIVATE_MM an IPI may find active_mm set to the new mm while the old one is
// loaded, and is answered "not me".
TEST(Museum, AKernelThreadsExecAnswersTooEarly) {
  Case before = the_case("exec");
  before.more.rules.irqs_off_activate_mm = false;
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
  EXPECT_TRUE((shows<scheme::Implicit, X86Paravirt>(Violation::used, deep_idle)));
  EXPECT_FALSE((shows<scheme::Refcount, X86Paravirt>(Violation::used, deep_idle)));
  EXPECT_FALSE((shows<scheme::ShootdownFilterAll, X86Paravirt>(Violation::used, deep_idle)));
}

// An mm with a global ASID is flushed by INVLPGB, and nobody is interrupted.
TEST(Museum, ABroadcastFlushInterruptsNobody) {
  EXPECT_TRUE((shows<scheme::Implicit, X86Invlpgb>(Violation::dangling, the_case("global-asid"))));
  EXPECT_FALSE((shows<scheme::Refcount, X86Invlpgb>(Violation::dangling, the_case("global-asid"))));
}

// Coming back to an mm with a global ASID returns before switch_mm's full barrier.
TEST(Museum, AGlobalAsidPassesByTheBarrierOfALazySwitch) {
  const Case one = the_case("membarrier-global-asid");
  EXPECT_TRUE((shows<scheme::Mailbox, X86Invlpgb>(Violation::order, one)));
  EXPECT_FALSE((shows<scheme::Mailbox, X86_2025>(Violation::order, one)));
  EXPECT_FALSE((shows<scheme::MailboxFenced, X86Invlpgb>(Violation::order, one)));
  EXPECT_FALSE((shows<scheme::Mailbox2022, X86Invlpgb>(Violation::order, one)));
}

// ---- what the later kernels and proposals are for ---------------------------------------------------------

// The posting of June 2021 had, on x86, the hole that its author held against shootdown that week: it looks at a mask that
// flushes take lazy CPUs out of. Patches 20 and 21 of January 2022 keep active_mm in step, and that one is closed.
struct MailboxOverX86sMask : scheme::Mailbox2022 {
  static constexpr kernel::Candidates kCandidates = kernel::Candidates::mask_on_x86;
};

TEST(Museum, TheMailboxOfJune2021LooksAtX86sMask) {
  EXPECT_TRUE((shows<scheme::Mailbox2021, X86_2017>(Violation::dangling, the_case("alone"))));
  EXPECT_TRUE((shows<MailboxOverX86sMask, X86_2017>(Violation::dangling, the_case("alone"))));
  EXPECT_FALSE((shows<MailboxOverX86sMask, X86Unlazy>(Violation::dangling, the_case("alone"))));
  EXPECT_FALSE((shows<scheme::Mailbox2022, X86_2017>(Violation::dangling, the_case("alone"))));
}

// It drops what is in the mailbox at every switch, though a kernel -> kernel switch only hands the borrow on.
TEST(Museum, TheMailboxOfJune2021DropsWhatIsHandedOn) {
  EXPECT_TRUE((shows<scheme::Mailbox2021, Powerpc>(Violation::dangling, the_case("handed-on"))));
  EXPECT_FALSE((shows<scheme::Mailbox2022, Powerpc>(Violation::dangling, the_case("handed-on"))));
  EXPECT_FALSE((shows<scheme::Mailbox, Powerpc>(Violation::dangling, the_case("handed-on"))));
}

// A barrier for registered processes alone keeps the promise to them, and membarrier(2) makes it to nobody else.
TEST(Museum, ABarrierForRegisteredProcessesIsEnough) {
  EXPECT_TRUE((shows<scheme::Mailbox, Powerpc>(Violation::order, the_case("membarrier-in"), Memory::rc11)));
  for (std::string_view name :
       {"membarrier-in", "membarrier-round", "membarrier-switch", "membarrier-eperm"}) {
    EXPECT_FALSE(
        (shows<scheme::ShootdownRegistered, Powerpc>(Violation::order, the_case(name), Memory::rc11)));
    EXPECT_FALSE((shows<scheme::Mailbox2022, Powerpc>(Violation::order, the_case(name), Memory::rc11)));
  }
}

// Who pins the struct drops it from any context; the borrowers were shot when the last user went.
TEST(Museum, ShootingAtTheLastMmputNeedsNoMoreAtTheLastDrop) {
  EXPECT_FALSE(
      (shows<scheme::ShootdownMmput, Powerpc>(Violation::dangling, the_case("last-drop-elsewhere"))));
  EXPECT_FALSE((shows<scheme::ShootdownMmput, Powerpc>(Violation::dangling, the_case("kthread-uses"))));
  EXPECT_TRUE((shows<scheme::ShootdownMmput, X86_2017>(Violation::dangling, the_case("alone"))));
}

// Without an active_mm nothing dangles, and who asks loaded_mm finds every CPU, in the mask or not; with EFI as it was to
// 6.15 there is a pointer put aside after all.
TEST(Museum, WhoAsksLoadedMmNeedsNoMask) {
  for (std::string_view name : {"alone", "exit", "trimmed", "deep-idle", "no-tables"})
    for (Violation violation : {Violation::dangling, Violation::used})
      EXPECT_FALSE((shows<scheme::ShootdownLoaded, X86_2017>(violation, the_case(name)))) << name;
  EXPECT_TRUE((shows<scheme::ShootdownLoaded, X86_2017>(Violation::used, the_case("efi"))));
}

// FreeBSD's rule leaves one borrower behind an exit; the mask must still be a superset for it.
TEST(Museum, TheLastThreadThatStaysIsABorrower) {
  EXPECT_FALSE((shows<scheme::ShootdownVmspace0, Powerpc>(Violation::dangling, the_case("both-exit"))));
  EXPECT_TRUE((shows<scheme::ShootdownVmspace0, X86_2017>(Violation::dangling, the_case("alone"))));
}

// A reference that sticks outlives what flushes do to mask and loaded_mm, and is given back at a tick.
TEST(Museum, AStickyReferenceNeedsNeitherMaskNorFlush) {
  for (std::string_view name : {"exit", "reuse", "trimmed", "deep-idle", "handed-on"}) {
    EXPECT_FALSE((shows<scheme::Sticky, X86_2017>(Violation::dangling, the_case(name)))) << name;
    EXPECT_FALSE((shows<scheme::Sticky, X86_2017>(Violation::leak, the_case(name)))) << name;
  }
}

// x86 with its active_mm kept in step is safe for who asks the right CPUs; the mask names them too late, since switch_mm
// clears prev's bit before it loads the next page tables.
TEST(Museum, KeepingActiveMmInStepIsNotEnoughForTheMask) {
  EXPECT_TRUE((shows<scheme::Shootdown, X86Unlazy>(Violation::used, the_case("exit"))));
  EXPECT_FALSE((shows<scheme::Shootdown, X86Unlazy>(Violation::dangling, the_case("alone"))));
  EXPECT_FALSE((shows<scheme::ShootdownFilterAll, X86Unlazy>(Violation::used, the_case("exit"))));
  EXPECT_FALSE((shows<scheme::ShootdownFilterAll, X86Unlazy>(Violation::used, the_case("efi"))));
}

// Firmware runs on page tables that an interrupt must not change: x86 since 6.16 leaves active_mm at the user mm
// meanwhile, and so did arm64 until late in 2025. A shootdown that comes in between loads init_mm.
TEST(Museum, AShootdownTakesThePageTablesAwayFromFirmware) {
  EXPECT_TRUE((shows<scheme::Hazptr, X86_2025>(Violation::used, the_case("efi"))));
  EXPECT_TRUE((shows<scheme::Shootdown, Arm64>(Violation::used, the_case("efi"))));
  EXPECT_FALSE((shows<scheme::Shootdown, kernel::lifecycle::Arm64_2025>(Violation::used, the_case("efi"))));
  EXPECT_FALSE((shows<scheme::Refcount, X86_2025>(Violation::used, the_case("efi"))));
  EXPECT_FALSE((shows<scheme::Refcount, Arm64>(Violation::used, the_case("efi"))));
}

// LoongArch: a process of one thread that flushes takes the contexts of all other CPUs away, and the next interrupt finds
// nothing there and clears the bit of a CPU that is lazy on the mm.
TEST(Museum, ALoongArchCpuWithoutAContextLeavesTheMask) {
  const Case gone = the_case("context-gone");
  EXPECT_TRUE((shows<scheme::Shootdown, kernel::lifecycle::Loongarch>(Violation::used, gone)));
  EXPECT_FALSE((shows<scheme::Refcount, kernel::lifecycle::Loongarch>(Violation::used, gone)));
  EXPECT_FALSE((shows<scheme::ShootdownFilterAll, kernel::lifecycle::Loongarch>(Violation::used, gone)));
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
