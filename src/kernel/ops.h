// SPDX-License-Identifier: MIT
//
// Schemes and lifecycles as tables of operations, as Linux has them. A scheme (or a lifecycle) is a struct of static
// functions and constants, written once; the table is made of these very functions. The kernel calls the table of the
// system at hand, so that it exists once for each Machine; the loop that is measured on silicon calls the functions by
// name and has them inlined (kernel/path.h).
//
// docs/kernel.md states each hook's contract.
#pragma once

#include <type_traits>

#include "kernel/build.h"
#include "kernel/state.h"
#include "machine/machine.h"

namespace mmscale::kernel {

// What the kernel must know of a scheme besides its hooks.
struct SchemeTraits {
  MmLayout layout;
  // Lazy borrows are in mm_count; CPUs begin with one on init_mm, and the audit expects it back.
  bool counted;
  // The exit flush also ends borrows, where the lifecycle flushes by IPI.
  bool rides_exit_flush;
  // Kernel threads borrow user mms; else the kernel really switches to init_mm.
  bool borrows_user_mm;
  // The scheduler has an active_mm: compares it, passes it, and must not have it dangle. Else it is but the emulation's
  // record of who borrows, and nobody reads it.
  bool has_active_mm;
  // Context switches report quiescent states.
  bool uses_rcu;
  // It has a drain.
  bool drains;
  Candidates candidates;
  EnterBarrier enter_barrier;
  // Mms that one CPU may hold back after their last drop: what the slab needs on top of those alive.
  unsigned held_back_per_cpu;
};

// What a scheme inherits: a struct of this kind that states nothing tracks nothing.
struct DefaultScheme {
  static constexpr MmLayout kLayout = MmLayout::isolated;
  static constexpr bool kCounted = false;
  static constexpr bool kRidesExitFlush = false;
  static constexpr bool kBorrowsUserMm = true;
  static constexpr bool kHasActiveMm = true;
  static constexpr bool kUsesRcu = false;
  static constexpr Candidates kCandidates = Candidates::mask;
  static constexpr EnterBarrier kEnterBarrier = EnterBarrier::none;
  static constexpr unsigned kHeldBackPerCpu = 0;

  template <class M>
  using PerCpu = Nothing;
  template <class M>
  using PerMm = Nothing;
  template <class M>
  using PerMmPerCpu = Nothing;

  // A CPU begins to borrow `mm`; returns what it shall borrow.
  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M&, Cpu<M>&, Mm<M>* mm, Site) {
    return mm;
  }
  // The borrow ends; the last access to *mm an uncounted scheme may make.
  template <class M>
  MMSCALE_INLINE static void lazy_leave(M&, Cpu<M>&, Mm<M>*) {}
  // The borrow has ended; for an uncounted scheme `mm` is only an identity.
  template <class M>
  MMSCALE_INLINE static void lazy_exit(M&, Cpu<M>&, Mm<M>*, Site) {}
  // Every finish_task_switch.
  template <class M>
  MMSCALE_INLINE static void switched(M&, Cpu<M>&) {}
  // The last mmput, after exit_mmap, before its own mmdrop.
  template <class M>
  static void users_gone(M&, Cpu<M>&, Mm<M>*) {}
  // The last mmdrop: make sure that nobody borrows, or postpone the freeing.
  template <class M>
  static Reaped reap(M&, Cpu<M>&, Mm<M>*, Site) {
    return Reaped::free_now;
  }
  // Free what this CPU postponed: what is ready, or all of it.
  template <class M>
  static void drain(M&, Cpu<M>&, Drain) {}
};

template <class M>
struct SchemeOps : SchemeTraits {
  Mm<M>* (*lazy_enter)(M&, Cpu<M>&, Mm<M>*, Site);
  void (*lazy_leave)(M&, Cpu<M>&, Mm<M>*);
  void (*lazy_exit)(M&, Cpu<M>&, Mm<M>*, Site);
  void (*switched)(M&, Cpu<M>&);
  void (*users_gone)(M&, Cpu<M>&, Mm<M>*);
  Reaped (*reap)(M&, Cpu<M>&, Mm<M>*, Site);
  void (*drain)(M&, Cpu<M>&, Drain);
  CpuState per_cpu;
  MmState<M> per_mm;
  MmState<M> per_mm_per_cpu;
};

// Function templates by name, to tell whether two structs have the same.
template <auto kFunction>
struct Named {};
template <auto kOne, auto kOther>
inline constexpr bool kSame = std::is_same_v<Named<kOne>, Named<kOther>>;

template <class S, class M>
inline constexpr SchemeTraits kTraits = {
    .layout = S::kLayout,
    .counted = S::kCounted,
    .rides_exit_flush = S::kRidesExitFlush,
    .borrows_user_mm = S::kBorrowsUserMm,
    .has_active_mm = S::kHasActiveMm,
    .uses_rcu = S::kUsesRcu,
    .drains = !kSame<&S::template drain<M>, &DefaultScheme::drain<M>>,
    .candidates = S::kCandidates,
    .enter_barrier = S::kEnterBarrier,
    .held_back_per_cpu = S::kHeldBackPerCpu,
};

template <class S, class M>
inline constexpr SchemeOps<M> kSchemeOps = {
    kTraits<S, M>,
    &S::template lazy_enter<M>,
    &S::template lazy_leave<M>,
    &S::template lazy_exit<M>,
    &S::template switched<M>,
    &S::template users_gone<M>,
    &S::template reap<M>,
    &S::template drain<M>,
    kCpuState<typename S::template PerCpu<M>, kSchemeRoomPerCpu>,
    kMmState<M, typename S::template PerMm<M>, kSchemeRoomPerMm>,
    kMmState<M, typename S::template PerMmPerCpu<M>>,
};

// What the kernel must know of a lifecycle besides its functions.
struct LifecycleTraits {
  // mm_cpumask tells where an mm may be; else every CPU is a candidate.
  bool keeps_mask;
  // switch_mm loads from the scheduler's prev, which must not be freed then; it compares it with next.
  bool switch_mm_reads_prev;
  bool switch_mm_compares_prev;
  // Changing the mm is a full barrier (membarrier, switch_mm_cid); every __switch_to is one.
  bool switch_mm_is_full_barrier;
  bool switch_to_is_full_barrier;
  // How a kernel thread calls EFI firmware (kernel/efi.h).
  Efi efi;
  // Bitmaps of CPUs behind each mm: mm_cpumask, and what the architecture keeps besides.
  unsigned masks;
  // x86's own: cpu_tlbstate.loaded_mm, which other CPUs may read.
  bool is_x86;
};

// What a lifecycle inherits. It must state enter_lazy_tlb, switch_mm_irqs_off and flush_tlb_mm, kName, kWhat and
// kAbsent, and what of this does not hold for it.
struct DefaultLifecycle {
  static constexpr bool kKeepsMask = true;
  // The architecture's memory is TSO; else it is taken to be as weak as C++'s.
  static constexpr bool kTotalStoreOrder = false;
  static constexpr bool kSwitchMmReadsPrev = false;
  static constexpr bool kSwitchMmComparesPrev = true;
  static constexpr bool kSwitchMmIsFullBarrier = false;
  static constexpr bool kSwitchToIsFullBarrier = false;
  static constexpr Efi kEfi = Efi::none;
  static constexpr unsigned kMasks = 1;
  static constexpr bool kIsX86 = false;
  // ARCH_WANT_IRQS_OFF_ACTIVATE_MM, in the kernel that the lifecycle stands for.
  static constexpr bool kWantsIrqsOffActivateMm = false;

  template <class M>
  using PerCpu = Nothing;
  template <class M>
  using PerMm = Nothing;

  // A CPU begins to borrow, or goes on borrowing; interrupts off. asm-generic: nothing to tell the hardware.
  template <class M>
  MMSCALE_INLINE static void enter_lazy_tlb(M&, Cpu<M>&, Mm<M>*) {}
  // What is left of a change of page tables when the rq lock is released; interrupts on, preemption off. `mm` is the
  // current task's, null for a kernel thread.
  template <class M>
  MMSCALE_INLINE static void finish_arch_post_lock_switch(M&, Cpu<M>&, Mm<M>*) {}
  // tlb_flush() with fullmm: one flush_tlb_mm, since page tables were freed.
  template <class M>
  static void exit_flush(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    cpu.system->lifecycle.flush_tlb_mm(m, cpu, mm, Freed::page_tables);
  }
  // An idle state that loses the TLB.
  template <class M>
  static void enter_deep_idle(M&, Cpu<M>&) {}
  // What __cpu_disable does to the masks; interrupts off.
  template <class M>
  static void cpu_disable(M&, Cpu<M>&) {}
  // Takes this CPU out of mm_cpumask(mm), as its last access to the mm. Interrupts off.
  template <class M>
  static void leave_mask(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    if (cpu.system->lifecycle.keeps_mask)
      m.fetch_and(mm->cpumask(cpu.mask_word), ~cpu.mask_bit, std::memory_order_release);
  }
};

template <class M>
struct LifecycleOps : LifecycleTraits {
  void (*enter_lazy_tlb)(M&, Cpu<M>&, Mm<M>*);
  // The page tables change; interrupts off.
  void (*switch_mm_irqs_off)(M&, Cpu<M>&, Mm<M>* prev, Mm<M>* next);
  void (*finish_arch_post_lock_switch)(M&, Cpu<M>&, Mm<M>*);
  // exit_mmap's flush, by a task that is lazy on mm itself.
  void (*exit_flush)(M&, Cpu<M>&, Mm<M>*);
  // A flush of a living mm.
  void (*flush_tlb_mm)(M&, Cpu<M>&, Mm<M>*, Freed);
  void (*enter_deep_idle)(M&, Cpu<M>&);
  void (*cpu_disable)(M&, Cpu<M>&);
  void (*leave_mask)(M&, Cpu<M>&, Mm<M>*);
  CpuState per_cpu;
  MmState<M> per_mm;
};

template <class L>
inline constexpr LifecycleTraits kLifecycleTraits = {
    .keeps_mask = L::kKeepsMask,
    .switch_mm_reads_prev = L::kSwitchMmReadsPrev,
    .switch_mm_compares_prev = L::kSwitchMmComparesPrev,
    .switch_mm_is_full_barrier = L::kSwitchMmIsFullBarrier,
    .switch_to_is_full_barrier = L::kSwitchToIsFullBarrier,
    .efi = L::kEfi,
    .masks = L::kMasks,
    .is_x86 = L::kIsX86,
};

template <class L, class M>
inline constexpr LifecycleOps<M> kLifecycleOps = {
    kLifecycleTraits<L>,
    &L::template enter_lazy_tlb<M>,
    &L::template switch_mm_irqs_off<M>,
    &L::template finish_arch_post_lock_switch<M>,
    &L::template exit_flush<M>,
    &L::template flush_tlb_mm<M>,
    &L::template enter_deep_idle<M>,
    &L::template cpu_disable<M>,
    &L::template leave_mask<M>,
    kCpuState<typename L::template PerCpu<M>, kLifecycleRoomPerCpu>,
    kMmState<M, typename L::template PerMm<M>, kLifecycleRoomPerMm>,
};

// A kernel build: the emulated kernel with one scheme, one architecture's lifecycle and its options, as Kconfig chooses
// them. Chosen when a system boots.
template <class M>
struct Build {
  const SchemeOps<M>& scheme;
  const LifecycleOps<M>& lifecycle;
  Options options = {};
};

template <class S, class L, class M>
Build<M> build_of(Options options = {}) {
  return {kSchemeOps<S, M>, kLifecycleOps<L, M>, options};
}

}  // namespace mmscale::kernel
