// SPDX-License-Identifier: MIT
//
// How context_switch gets at what a kernel build chose: through the tables of the system at hand, which serves every
// build and every world; or with the very functions that the tables are made of inlined, which is what is measured.
#pragma once

#include "kernel/ops.h"

namespace mmscale::kernel {

struct ByTable {
  template <class M>
  MMSCALE_INLINE static const SchemeTraits& scheme(Cpu<M>& cpu) {
    return cpu.system->scheme;
  }
  template <class M>
  MMSCALE_INLINE static const LifecycleTraits& lifecycle(Cpu<M>& cpu) {
    return cpu.system->lifecycle;
  }
  template <class M>
  MMSCALE_INLINE static Options options(Cpu<M>& cpu) {
    return cpu.system->options;
  }
  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    return cpu.system->scheme.lazy_enter(m, cpu, mm, site);
  }
  template <class M>
  MMSCALE_INLINE static void lazy_leave(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    cpu.system->scheme.lazy_leave(m, cpu, mm);
  }
  template <class M>
  MMSCALE_INLINE static void lazy_exit(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    cpu.system->scheme.lazy_exit(m, cpu, mm, site);
  }
  template <class M>
  MMSCALE_INLINE static void switched(M& m, Cpu<M>& cpu) {
    cpu.system->scheme.switched(m, cpu);
  }
  template <class M>
  MMSCALE_INLINE static void enter_lazy_tlb(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    cpu.system->lifecycle.enter_lazy_tlb(m, cpu, mm);
  }
  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>* prev, Mm<M>* next) {
    cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, prev, next);
  }
  template <class M>
  MMSCALE_INLINE static void finish_arch_post_lock_switch(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    cpu.system->lifecycle.finish_arch_post_lock_switch(m, cpu, mm);
  }
};

// The hooks of scheme S and the functions of lifecycle L that a switch calls. Default options cost nothing; others are
// looked up, so that one loop serves them all: a branch each that never changes its mind.
template <class S, class L, bool kDefaultOptions = true>
struct Inlined {
  using Scheme = S;
  using Lifecycle = L;

  template <class M>
  static constexpr SchemeTraits scheme(Cpu<M>&) {
    return kTraits<S, M>;
  }
  template <class M>
  static constexpr LifecycleTraits lifecycle(Cpu<M>&) {
    return kLifecycleTraits<L>;
  }
  template <class M>
  MMSCALE_INLINE static Options options(Cpu<M>& cpu) {
    return kDefaultOptions ? Options{} : cpu.system->options;
  }
  template <class M>
  MMSCALE_INLINE static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    return S::lazy_enter(m, cpu, mm, site);
  }
  template <class M>
  MMSCALE_INLINE static void lazy_leave(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    S::lazy_leave(m, cpu, mm);
  }
  template <class M>
  MMSCALE_INLINE static void lazy_exit(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    S::lazy_exit(m, cpu, mm, site);
  }
  template <class M>
  MMSCALE_INLINE static void switched(M& m, Cpu<M>& cpu) {
    S::switched(m, cpu);
  }
  template <class M>
  MMSCALE_INLINE static void enter_lazy_tlb(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    L::enter_lazy_tlb(m, cpu, mm);
  }
  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>* prev, Mm<M>* next) {
    L::switch_mm_irqs_off(m, cpu, prev, next);
  }
  template <class M>
  MMSCALE_INLINE static void finish_arch_post_lock_switch(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    L::finish_arch_post_lock_switch(m, cpu, mm);
  }
};

// Whether two schemes, and two lifecycles, switch alike: by the same functions. Then one loop measures both.
template <class A, class B, class M>
inline constexpr bool kSchemesSwitchAlike =
    kSame<&A::template lazy_enter<M>, &B::template lazy_enter<M>>&&
        kSame<&A::template lazy_leave<M>, &B::template lazy_leave<M>>&&
            kSame<&A::template lazy_exit<M>, &B::template lazy_exit<M>>&&
                kSame<&A::template switched<M>, &B::template switched<M>>&& A::kBorrowsUserMm ==
    B::kBorrowsUserMm&& A::kHasActiveMm == B::kHasActiveMm&& A::kUsesRcu == B::kUsesRcu&& A::kEnterBarrier ==
    B::kEnterBarrier;
template <class A, class B, class M>
inline constexpr bool kLifecyclesSwitchAlike =
    kSame<&A::template enter_lazy_tlb<M>, &B::template enter_lazy_tlb<M>>&&
        kSame<&A::template switch_mm_irqs_off<M>, &B::template switch_mm_irqs_off<M>>&&
            kSame<&A::template finish_arch_post_lock_switch<M>,
                  &B::template finish_arch_post_lock_switch<M>>&& A::kSwitchMmIsFullBarrier ==
    B::kSwitchMmIsFullBarrier&& A::kSwitchToIsFullBarrier == B::kSwitchToIsFullBarrier;

}  // namespace mmscale::kernel
