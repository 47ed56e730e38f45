// SPDX-License-Identifier: MIT
//
// Kernels with one fault each. tests/workload runs them like any other, the museum explores every
// interleaving: hence every access is an operation of the machine.
#pragma once

#include <atomic>

#include "kernel/lifecycle/powerpc.h"
#include "kernel/mm_life.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"

namespace mmscale::test {

using kernel::Cpu;
using kernel::Reaped;
using kernel::Site;
using kernel::Task;
using kernel::lifecycle::Powerpc;

// True at every kOneIn-th call on the same CPU.
template <unsigned kOneIn, class K>
bool now_and_then(Cpu<K>& cpu) {
  return ++cpu.scheme.calls % kOneIn == 0;
}
struct CountsCalls {
  template <class K>
  struct PerCpu {
    unsigned calls = 0;
  };
};

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

struct SparesItself : scheme::Shootdown {
  template <class K, Site kSite>
  static Reaped reap(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    m.fetch_and(mm->cpumask(cpu.mask_word), ~cpu.mask_bit, std::memory_order_relaxed);
    return Shootdown::reap<K, kSite>(m, cpu, mm);
  }
};

struct SendsInSecret : scheme::Shootdown {
  template <class K, Site kSite>
  static Reaped reap(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    m.call_many(
        kernel::other_cpus_of_mm<K>(m, cpu, mm), [](typename K::Machine&, void*) {}, nullptr);
    return Shootdown::reap<K, kSite>(m, cpu, mm);
  }
};

struct ForgetsTheMask : Powerpc {
  template <class K>
  static void switch_mm_irqs_off(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm*,
                                 typename Task<K>::Mm* next) {
    m.store(cpu.loaded_mm, next, std::memory_order_relaxed);
  }
};

struct ClearsTheBitAgain : Powerpc {
  template <class K>
  static void switch_mm_irqs_off(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* prev,
                                 typename Task<K>::Mm* next) {
    Powerpc::switch_mm_irqs_off<K>(m, cpu, prev, next);
    m.fetch_and(next->cpumask(cpu.mask_word), ~cpu.mask_bit, std::memory_order_relaxed);
  }
};

template <unsigned kOneIn>
struct DropsTwice : scheme::Refcount, CountsCalls {
  template <class K, Site kSite>
  static void lazy_exit(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    Refcount::lazy_exit<K, kSite>(m, cpu, mm);
    if (now_and_then<kOneIn>(cpu)) kernel::mmdrop<K, kSite>(m, cpu, mm);
  }
};

template <unsigned kOneIn>
struct ForgetsAGrab : scheme::Refcount, CountsCalls {
  template <class K, Site kSite>
  static auto* lazy_enter(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    if (!now_and_then<kOneIn>(cpu)) Refcount::lazy_enter<K, kSite>(m, cpu, mm);
    return mm;
  }
};

template <unsigned kOneIn>
struct ForgetsADrop : scheme::Refcount, CountsCalls {
  template <class K, Site kSite>
  static void lazy_exit(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    if (!now_and_then<kOneIn>(cpu)) Refcount::lazy_exit<K, kSite>(m, cpu, mm);
  }
};

struct UnlazyKeepsTheCount : scheme::Refcount {
  template <class K, Site kSite>
  static auto* lazy_enter(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    if (kSite != Site::unlazy) Refcount::lazy_enter<K, kSite>(m, cpu, mm);
    return mm;
  }
};

struct ExitIsNotCounted : scheme::Refcount {
  template <class K, Site kSite>
  static auto* lazy_enter(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    if (kSite != Site::exit_mm) Refcount::lazy_enter<K, kSite>(m, cpu, mm);
    return mm;
  }
};

struct FreesItself : scheme::Shootdown {
  template <class K, Site kSite>
  static Reaped reap(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    Shootdown::reap<K, kSite>(m, cpu, mm);
    kernel::free_mm<K>(m, cpu, mm);
    return Reaped::free_now;
  }
};

}  // namespace mmscale::test
