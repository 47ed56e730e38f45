// SPDX-License-Identifier: MIT
//
// The Machine: what the emulated kernel and every scheme stand on. They are written once, as templates over
// this concept; what differs between real CPUs, the simulator and the explorer is only which Machine is
// plugged in.
//
// One Machine object is one emulated CPU and is passed everywhere by reference, as the kernel's per-CPU base
// register is always at hand. There is no global world: two emulated systems can live in one process.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include "machine/cpumask.h"

// The emulated kernel's switch path must compile to what hand-written atomics compile to. GCC's inliner gives
// up on templates of this depth at -O2, which made a switch 25 % slower when it was left to choose.
#define MMSCALE_INLINE inline __attribute__((always_inline))
#define MMSCALE_COLD __attribute__((noinline, cold))

namespace mmscale::machine {

// The unit of coherence that layouts are made for: the kernel's L1_CACHE_BYTES (arch/*/include/asm/cache.h).
#if defined(__powerpc64__)
inline constexpr std::size_t kLine = 128;
#elif defined(__s390x__)
inline constexpr std::size_t kLine = 256;
#else
inline constexpr std::size_t kLine = 64;
#endif

// Distance that keeps two things which have nothing to do with each other from disturbing each other: twice a
// line, since Intel's L2 fetches lines in pairs. Used for what the harness adds, never for what the kernel
// lays out itself.
inline constexpr std::size_t kApart = 2 * kLine;

// How many requests one CPU sent, in the kernel's own distinctions (kernel/smp.c). `queued` counts entries
// put on another CPU's call queue; `raised` those of them that found the queue empty, since only then the
// kernel raises an IPI.
struct IpiTally {
  std::uint64_t queued = 0;
  std::uint64_t raised = 0;
};

// What an IPI runs on its target, interrupts off. `info` is the sender's argument (smp_call_func_t).
template <class M>
using IpiHandler = void (*)(M& m, void* info);

// The operations, each on one `Atomic<T>` whose address decides its line:
//
//   load, store, fetch_add, fetch_sub,     as std::atomic's, with an explicit order
//   fetch_or, fetch_and, exchange
//   compare_exchange(a, expected, value,   returns what was found; replaced if that is `expected`
//                    order)
//   fence()                                smp_mb()
//   fence_after_rmw()                      smp_mb__after_atomic(): nothing where a read-modify-write already is a
//                                          full barrier (x86)
//   pause()                                cpu_relax()
//   spin_until(a, p)                       smp_cond_load_acquire(): waits until p(value of a), taking IPIs meanwhile
//                                          if interrupts are on. Never write the loop by hand: the explorer must
//                                          know that a CPU waits, and for what.
//   irq_disable(), irq_enable(),           local_irq_*: soft, as powerpc's; a request that arrives while interrupts
//   irqs_disabled()                        are off is handled at irq_enable
//   take_interrupts()                      an instant at which interrupts are on and pending requests are handled (a
//                                          CPU that idles or runs user code passes such instants all the time)
//   call_many(set, f, info)                smp_call_function_many(set, f, info, wait=1): runs f(info) on every CPU of
//                                          `set` but this one and waits for all; preemption off and interrupts on,
//                                          else it can deadlock
//   think(cycles)                          user code: that long, interrupts on
//   stall(cycles)                          an instruction that takes that long, such as loading page tables: no
//                                          interrupt meanwhile
//   idle_state(ns)                         from now on this CPU is in an idle state that an interrupt takes so long to
//                                          end, each time; 0: in none
//   now()                                  nanoseconds on this world's clock, comparable between its CPUs
//   cpu(), cpus()                          this CPU's number; how many emulated CPUs there are (all possible, all
//                                          online)
//   percpu()                               the per-CPU area the kernel registered with set_percpu (the kernel::Cpu)
//   checking                               whether the oracle's accesses are compiled in; when false they cost
//                                          nothing
template <class M>
concept Machine = requires(M& m, const M& cm, typename M::template Atomic<std::uint64_t>& word,
                           const typename M::template Atomic<std::uint64_t>& cword, CpuMask& set,
                           IpiHandler<M> handler, void* p) {
  { M::checking } -> std::convertible_to<bool>;
  { m.load(cword, std::memory_order_acquire) } -> std::same_as<std::uint64_t>;
  {m.store(word, std::uint64_t{}, std::memory_order_release)};
  { m.fetch_add(word, std::uint64_t{}, std::memory_order_relaxed) } -> std::same_as<std::uint64_t>;
  { m.fetch_sub(word, std::uint64_t{}, std::memory_order_relaxed) } -> std::same_as<std::uint64_t>;
  { m.fetch_or(word, std::uint64_t{}, std::memory_order_relaxed) } -> std::same_as<std::uint64_t>;
  { m.fetch_and(word, std::uint64_t{}, std::memory_order_relaxed) } -> std::same_as<std::uint64_t>;
  { m.exchange(word, std::uint64_t{}, std::memory_order_acq_rel) } -> std::same_as<std::uint64_t>;
  {
    m.compare_exchange(word, std::uint64_t{}, std::uint64_t{}, std::memory_order_acq_rel)
    } -> std::same_as<std::uint64_t>;
  m.fence();
  m.fence_after_rmw();
  m.pause();
  m.spin_until(cword, [](std::uint64_t) { return true; });
  m.irq_disable();
  m.irq_enable();
  { cm.irqs_disabled() } -> std::same_as<bool>;
  m.take_interrupts();
  m.call_many(set, handler, p);
  m.think(std::uint64_t{});
  m.stall(std::uint64_t{});
  m.idle_state(std::uint32_t{});
  { m.now() } -> std::same_as<std::uint64_t>;
  { cm.cpu() } -> std::same_as<unsigned>;
  { cm.cpus() } -> std::same_as<unsigned>;
  { cm.percpu() } -> std::same_as<void*>;
  m.set_percpu(p);
  { cm.ipi_tally() } -> std::same_as<const IpiTally&>;
};

// RCU, for a Machine that brings its own; for one that does not, kernel/rcu.h makes it of the operations
// above. Names and meanings are the kernel's (Documentation/RCU), the CPU being the reader:
//
//   rcu_online(), rcu_offline()            this CPU begins, ceases to count; from its own thread, not in idle
//   rcu_note_context_switch()              a quiescent state
//   rcu_idle_enter(), rcu_idle_exit()      one long quiescent state in between
//   start_poll_synchronize_rcu()           a cookie for a grace period that begins now
//   poll_state_synchronize_rcu(c)          whether it has passed
//   cond_synchronize_rcu(c)                waits for it, taking interrupts
template <class M>
concept RcuService = requires(M& m, std::uint64_t cookie) {
  m.rcu_online();
  m.rcu_offline();
  m.rcu_note_context_switch();
  m.rcu_idle_enter();
  m.rcu_idle_exit();
  { m.start_poll_synchronize_rcu() } -> std::same_as<std::uint64_t>;
  { m.poll_state_synchronize_rcu(cookie) } -> std::same_as<bool>;
  m.cond_synchronize_rcu(cookie);
};

}  // namespace mmscale::machine
