// SPDX-License-Identifier: MIT
//
// How the kernel calls a scheme. A scheme is a struct of static functions; one that it does not have costs
// nothing, not even a call. docs/kernel.md states each hook's contract.
//
//   lazy_enter<K, Site>(m, cpu, mm) -> Mm*   a CPU begins to borrow `mm`; returns what it shall borrow
//   lazy_leave<K>(m, cpu, mm)                the borrow ends; the last access to *mm an uncounted scheme may make
//   lazy_exit<K, Site>(m, cpu, mm)           the borrow has ended; for an uncounted scheme `mm` is only an identity
//   switched<K>(m, cpu)                      every finish_task_switch
//   users_gone<K>(m, cpu, mm)                the last mmput, after exit_mmap, before its own mmdrop
//   reap<K, Site>(m, cpu, mm) -> Reaped      the last mmdrop: make sure that nobody borrows, or postpone the freeing
//   drain<K>(m, cpu, when)                   free what this CPU postponed: what is ready, or all of it
#pragma once

#include "kernel/cpu.h"

namespace mmscale::kernel {

// What reap leaves to its caller: to free the mm now, or nothing since the scheme kept it for drain.
enum class Reaped { free_now, deferred };

// When drain is called. `tick`: now and then while CPUs run, interrupts on; it must not wait. `end`: every
// process has ended and every CPU borrows init_mm; nothing may be left behind, and it may wait for other
// CPUs.
enum class Drain { tick, end };

// How many mms one CPU may hold back after their last drop: what the slab needs on top of those alive. A
// scheme that defers says so (kHeldBackPerCpu) and never holds more.
template <class Scheme>
inline constexpr unsigned kHeldBack = 0;
template <class Scheme>
requires requires { Scheme::kHeldBackPerCpu; }
inline constexpr unsigned kHeldBack<Scheme> = Scheme::kHeldBackPerCpu;

namespace hooks {

template <class K>
using MmOf = typename Task<K>::Mm;

template <class K, Site kSite>
MMSCALE_INLINE MmOf<K>* lazy_enter(typename K::Machine& m, Cpu<K>& cpu, MmOf<K>* mm) {
  if constexpr (requires { K::Scheme::template lazy_enter<K, kSite>(m, cpu, mm); })
    return K::Scheme::template lazy_enter<K, kSite>(m, cpu, mm);
  else
    return mm;
}

template <class K>
MMSCALE_INLINE void lazy_leave(typename K::Machine& m, Cpu<K>& cpu, MmOf<K>* mm) {
  if constexpr (requires { K::Scheme::template lazy_leave<K>(m, cpu, mm); })
    K::Scheme::template lazy_leave<K>(m, cpu, mm);
}

template <class K, Site kSite>
MMSCALE_INLINE void lazy_exit(typename K::Machine& m, Cpu<K>& cpu, MmOf<K>* mm) {
  if constexpr (requires { K::Scheme::template lazy_exit<K, kSite>(m, cpu, mm); })
    K::Scheme::template lazy_exit<K, kSite>(m, cpu, mm);
}

template <class K>
MMSCALE_INLINE void switched(typename K::Machine& m, Cpu<K>& cpu) {
  if constexpr (requires { K::Scheme::template switched<K>(m, cpu); })
    K::Scheme::template switched<K>(m, cpu);
}

template <class K>
void users_gone(typename K::Machine& m, Cpu<K>& cpu, MmOf<K>* mm) {
  if constexpr (requires { K::Scheme::template users_gone<K>(m, cpu, mm); })
    K::Scheme::template users_gone<K>(m, cpu, mm);
}

template <class K, Site kSite>
Reaped reap(typename K::Machine& m, Cpu<K>& cpu, MmOf<K>* mm) {
  if constexpr (requires { K::Scheme::template reap<K, kSite>(m, cpu, mm); })
    return K::Scheme::template reap<K, kSite>(m, cpu, mm);
  else
    return Reaped::free_now;
}

template <class K>
inline constexpr bool has_drain = requires(typename K::Machine& m, Cpu<K>& cpu) {
  K::Scheme::template drain<K>(m, cpu, Drain::tick);
};

template <class K>
void drain(typename K::Machine& m, Cpu<K>& cpu, Drain when = Drain::end) {
  if constexpr (has_drain<K>) K::Scheme::template drain<K>(m, cpu, when);
}

}  // namespace hooks
}  // namespace mmscale::kernel
