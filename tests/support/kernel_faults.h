// SPDX-License-Identifier: MIT
//
// Kernels with one fault each. tests/workload runs them like any other, the museum explores every
// interleaving: hence every access is an operation of the machine.
#pragma once

#include <atomic>

#include "kernel/lazy.h"
#include "kernel/lifecycle/powerpc.h"
#include "kernel/mm_life.h"
#include "kernel/preemptible.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"

namespace mmscale::test {

using kernel::Cpu;
using kernel::Mm;
using kernel::Reaped;
using kernel::Site;
using kernel::Task;
using kernel::lifecycle::Powerpc;

struct CountsCalls {
  template <class M>
  struct PerCpu {
    unsigned calls = 0;
  };
};

// True at every kOneIn-th call on the same CPU.
template <unsigned kOneIn, class M>
bool now_and_then(Cpu<M>& cpu) {
  return ++kernel::scheme_state<CountsCalls::PerCpu>(cpu).calls % kOneIn == 0;
}

struct LeavesOutTheHighest : scheme::Shootdown {
  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    unsigned highest = m.cpu();
    kernel::other_cpus_of_mm(m, cpu, mm).for_each([&](unsigned other) { highest = other; });
    if (highest != m.cpu()) {
      const Cpu<M>& missed = *cpu.system->cpus[highest];
      m.fetch_and(mm->cpumask(missed.mask_word), ~missed.mask_bit, std::memory_order_relaxed);
    }
    return Shootdown::reap(m, cpu, mm, site);
  }
};

struct AcknowledgesOnly : scheme::Shootdown {
  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site) {
    const auto handler = [](M& target, void*) { ++kernel::this_cpu(target).tally.ipis_useless; };
    kernel::smp_call_function_many(m, cpu, mm, handler, &kernel::Tally::ipis_shoot);
    return Reaped::free_now;
  }
};

struct SparesItself : scheme::Shootdown {
  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    m.fetch_and(mm->cpumask(cpu.mask_word), ~cpu.mask_bit, std::memory_order_relaxed);
    return Shootdown::reap(m, cpu, mm, site);
  }
};

struct SendsInSecret : scheme::Shootdown {
  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    m.call_many(
        kernel::other_cpus_of_mm(m, cpu, mm), [](M&, void*) {}, nullptr);
    return Shootdown::reap(m, cpu, mm, site);
  }
};

struct ForgetsTheMask : Powerpc {
  template <class M>
  static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>*, Mm<M>* next) {
    m.store(cpu.loaded_mm, next, std::memory_order_relaxed);
  }
};

struct ClearsTheBitAgain : Powerpc {
  template <class M>
  static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>* prev, Mm<M>* next) {
    Powerpc::switch_mm_irqs_off(m, cpu, prev, next);
    m.fetch_and(next->cpumask(cpu.mask_word), ~cpu.mask_bit, std::memory_order_relaxed);
  }
};

template <unsigned kOneIn>
struct DropsTwice : scheme::Refcount, CountsCalls {
  template <class M>
  using PerCpu = CountsCalls::PerCpu<M>;
  template <class M>
  static void lazy_exit(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    Refcount::lazy_exit(m, cpu, mm, site);
    if (now_and_then<kOneIn>(cpu)) kernel::mmdrop(m, cpu, mm, site);
  }
};

template <unsigned kOneIn>
struct ForgetsAGrab : scheme::Refcount, CountsCalls {
  template <class M>
  using PerCpu = CountsCalls::PerCpu<M>;
  template <class M>
  static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    if (!now_and_then<kOneIn>(cpu)) Refcount::lazy_enter(m, cpu, mm, site);
    return mm;
  }
};

template <unsigned kOneIn>
struct ForgetsADrop : scheme::Refcount, CountsCalls {
  template <class M>
  using PerCpu = CountsCalls::PerCpu<M>;
  template <class M>
  static void lazy_exit(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    if (!now_and_then<kOneIn>(cpu)) Refcount::lazy_exit(m, cpu, mm, site);
  }
};

struct UnlazyKeepsTheCount : scheme::Refcount {
  template <class M>
  static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    if (site != Site::unlazy) Refcount::lazy_enter(m, cpu, mm, site);
    return mm;
  }
};

struct ExitIsNotCounted : scheme::Refcount {
  template <class M>
  static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    if (site != Site::exit_mm) Refcount::lazy_enter(m, cpu, mm, site);
    return mm;
  }
};

// The last user of the address space leaves for init_mm itself, and looks what it borrows while it may be preempted: the
// switch to a user's thread has returned the reference by then, and it is returned once more.
struct LooksWithPreemptionOn : scheme::Refcount {
  template <class M>
  static void users_gone(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    const bool borrows = m.load(m.load(cpu.curr, relaxed)->active_mm, relaxed) == mm;
    kernel::preemptible(m, cpu);
    if (borrows) kernel::unlazy(m, cpu, mm);
  }
};

struct FreesItself : scheme::Shootdown {
  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site site) {
    Shootdown::reap(m, cpu, mm, site);
    kernel::free_mm(m, cpu, mm);
    return Reaped::free_now;
  }
};

}  // namespace mmscale::test
