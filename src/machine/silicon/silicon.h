// SPDX-License-Identifier: MIT
//
// The Machine that is real: one pinned thread per emulated CPU, std::atomic, interrupts that really arrive.
// Every operation of the switch path is forced inline and compiles to the instruction one would write by
// hand; docs/fast-path.md shows the result.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "machine/cpumask.h"
#include "machine/machine.h"
#include "machine/silicon/clock.h"
#include "machine/silicon/inbox.h"
#include "machine/silicon/rcu.h"
#include "machine/silicon/transport.h"

#if defined(__SANITIZE_THREAD__)
#define MMSCALE_TSAN 1
#else
#define MMSCALE_TSAN 0
#endif

namespace mmscale::machine::silicon {

// One emulated CPU on a real one. `Checking` compiles the safety oracle in: tests do, measurements never.
template <bool Checking>
class Silicon {
 public:
  template <class T>
  using Atomic = std::atomic<T>;
  static constexpr bool checking = Checking;

  // The CPUs of one emulated system, and how they interrupt each other. Outlives its CPUs.
  class System {
   public:
    System(unsigned cpus, Transport& transport) : transport_(transport), cpus_(cpus) {}

    unsigned cpus() const { return static_cast<unsigned>(cpus_.size()); }

   private:
    friend class Silicon;
    Transport& transport_;
    std::vector<Silicon*> cpus_;
  };

  // To be constructed by the pinned thread itself, so that this memory and the request table are local to it.
  // All CPUs of the system must exist before any sends.
  Silicon(System& system, unsigned cpu, unsigned os_cpu)
      : system_(system),
        cpu_(cpu),
        requests_(std::make_unique<Request<Silicon>[]>(system.cpus())),
        to_raise_(system.cpus()) {
    system_.cpus_[cpu] = this;
    system_.transport_.attach(cpu, os_cpu,
                              {[](void* self) { static_cast<Silicon*>(self)->interrupt(); }, this});
  }

  ~Silicon() { system_.transport_.detach(cpu_); }

  Silicon(const Silicon&) = delete;
  Silicon& operator=(const Silicon&) = delete;

  template <class T>
  MMSCALE_INLINE T load(const Atomic<T>& a, std::memory_order order) const {
    return a.load(order);
  }
  template <class T>
  MMSCALE_INLINE void store(Atomic<T>& a, std::type_identity_t<T> value, std::memory_order order) {
    a.store(value, order);
  }
  template <class T>
  MMSCALE_INLINE T fetch_add(Atomic<T>& a, std::type_identity_t<T> value, std::memory_order order) {
    return a.fetch_add(value, order);
  }
  template <class T>
  MMSCALE_INLINE T fetch_sub(Atomic<T>& a, std::type_identity_t<T> value, std::memory_order order) {
    return a.fetch_sub(value, order);
  }
  template <class T>
  MMSCALE_INLINE T fetch_or(Atomic<T>& a, std::type_identity_t<T> bits, std::memory_order order) {
    return a.fetch_or(bits, order);
  }
  template <class T>
  MMSCALE_INLINE T fetch_and(Atomic<T>& a, std::type_identity_t<T> bits, std::memory_order order) {
    return a.fetch_and(bits, order);
  }
  template <class T>
  MMSCALE_INLINE T exchange(Atomic<T>& a, std::type_identity_t<T> value, std::memory_order order) {
    return a.exchange(value, order);
  }
  template <class T>
  MMSCALE_INLINE T compare_exchange(Atomic<T>& a, std::type_identity_t<T> expected,
                                    std::type_identity_t<T> value, std::memory_order order) {
    a.compare_exchange_strong(expected, value, order);
    return expected;
  }

  MMSCALE_INLINE void fence() {
#if MMSCALE_TSAN
    // ThreadSanitizer does not model fences, and GCC refuses them under it. A read-modify-write of an own
    // word is a full barrier on the hardware TSan runs on, and adds no happens-before edge that could hide a
    // race.
    tsan_fence_.exchange(0, std::memory_order_seq_cst);
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
  }

  MMSCALE_INLINE void fence_after_rmw() {
#if defined(__x86_64__) || defined(__s390x__)
    std::atomic_signal_fence(std::memory_order_seq_cst);
#else
    fence();
#endif
  }

  MMSCALE_INLINE void pause() { silicon::pause(); }

  template <class T, class Predicate>
  void spin_until(const Atomic<T>& a, Predicate&& done) {
    while (!done(a.load(std::memory_order_acquire))) {
      if (!irqs_disabled()) take_interrupts();
      pause();
    }
  }

  // The flag is written by this thread and read by its signal handler only; the signal fences keep the
  // compiler from moving the kernel's accesses out of the region, the hardware needs nothing.
  MMSCALE_INLINE void irq_disable() {
    irqs_off_.store(1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  MMSCALE_INLINE void irq_enable() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    irqs_off_.store(0, std::memory_order_relaxed);
    take_interrupts();
  }
  MMSCALE_INLINE bool irqs_disabled() const { return irqs_off_.load(std::memory_order_relaxed) != 0; }

  MMSCALE_INLINE void take_interrupts() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (inbox_.pending()) [[unlikely]]
      interrupt();
  }

  MMSCALE_COLD void call_many(const CpuMask& targets, IpiHandler<Silicon> handler, void* info) {
    if (irqs_disabled()) bug("call_many with interrupts off or from an IPI handler would deadlock");
    to_raise_.clear();
    bool any = false;
    targets.for_each([&](unsigned target) {
      if (target == cpu_) return;
      // Free since the previous call waited for it: csd_lock() finds the flag clear.
      Request<Silicon>& request = requests_[target];
      request.handler = handler;
      request.info = info;
      request.busy.store(1, std::memory_order_relaxed);
      ++tally_.queued;
      if (system_.cpus_[target]->inbox_.push(request)) {
        ++tally_.raised;
        to_raise_.set(target);
        any = true;
      }
    });
    if (any) system_.transport_.raise(to_raise_);
    targets.for_each([&](unsigned target) {
      if (target != cpu_) spin_until(requests_[target].busy, [](std::uint32_t busy) { return busy == 0; });
    });
  }

  // Spins for that many ticks of the CPU's counter, taking interrupts as user code does.
  void think(std::uint64_t cycles) {
    for (const std::uint64_t start = ticks(); ticks() - start < cycles;) {
      take_interrupts();
      pause();
    }
  }

  // Without a pause, which alone takes up to 140 cycles on some CPUs; exact to one reading of the counter.
  MMSCALE_INLINE void stall(std::uint64_t cycles) {
    for (const std::uint64_t start = ticks(); ticks() - start < cycles;) {
    }
  }

  void idle_state(std::uint32_t exit_ns) { idle_exit_ns_.store(exit_ns, std::memory_order_relaxed); }

  // RcuService, by liburcu.
  void rcu_online() { Rcu::online(); }
  void rcu_offline() { Rcu::offline(); }
  MMSCALE_INLINE void rcu_note_context_switch() { Rcu::quiescent_state(); }
  void rcu_idle_enter() { Rcu::idle_enter(); }
  void rcu_idle_exit() { Rcu::idle_exit(); }
  std::uint64_t start_poll_synchronize_rcu() { return rcu_.start_poll(); }
  bool poll_state_synchronize_rcu(std::uint64_t cookie) { return rcu_.poll(cookie); }
  void cond_synchronize_rcu(std::uint64_t cookie) {
    while (!rcu_.poll(cookie)) {
      const std::uint64_t now = rcu_.completed().load(std::memory_order_acquire);
      spin_until(rcu_.completed(), [now, cookie](std::uint64_t c) { return c >= cookie || c != now; });
    }
  }

  std::uint64_t now() const { return now_ns(); }
  MMSCALE_INLINE unsigned cpu() const { return cpu_; }
  unsigned cpus() const { return system_.cpus(); }
  MMSCALE_INLINE void* percpu() const { return percpu_; }
  void set_percpu(void* area) { percpu_ = area; }
  const IpiTally& ipi_tally() const { return tally_; }

 private:
  // The interrupt entry: runs waiting requests with interrupts off, at an enable point or from a signal
  // handler. A signal that lands while interrupts are off leaves them queued for irq_enable.
  MMSCALE_COLD void interrupt() {
    std::uint32_t wakes_ns = idle_exit_ns_.load(std::memory_order_relaxed);
    while (!irqs_disabled() && inbox_.pending()) {
      irq_disable();
      if (const std::uint32_t exit_ns = std::exchange(wakes_ns, 0); exit_ns != 0)
        for (const std::uint64_t start = now_ns(); now_ns() - start < exit_ns;) {
        }
      for (Request<Silicon>* request = inbox_.take_all(); request != nullptr;) {
        // Read before the ack: with `busy` clear the sender may queue the request again.
        Request<Silicon>* next = request->next;
        request->handler(*this, request->info);
        request->busy.store(0, std::memory_order_release);
        request = next;
      }
      std::atomic_signal_fence(std::memory_order_seq_cst);
      irqs_off_.store(0, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
  }

  [[noreturn]] MMSCALE_COLD void bug(const char* what) const {
    std::fprintf(stderr, "mmscale: BUG: cpu %u: %s\n", cpu_, what);
    std::abort();
  }

  // Own to this CPU.
  alignas(kApart) std::atomic<std::uint32_t> irqs_off_{0};
  // Read by this thread's signal handler, too.
  std::atomic<std::uint32_t> idle_exit_ns_{0};
  System& system_;
  unsigned cpu_;
  void* percpu_ = nullptr;
  IpiTally tally_;
  std::unique_ptr<Request<Silicon>[]> requests_;
  CpuMask to_raise_;
  Rcu rcu_;
#if MMSCALE_TSAN
  std::atomic<std::uint32_t> tsan_fence_{0};
#endif
  // Written by other CPUs; starts a line pair of its own.
  Inbox<Silicon> inbox_;
};

static_assert(Machine<Silicon<false>>);
static_assert(Machine<Silicon<true>>);
static_assert(RcuService<Silicon<true>>);

}  // namespace mmscale::machine::silicon
