// SPDX-License-Identifier: MIT
//
// The Machine in virtual time. Every access goes through World, which decides what it costs and who goes
// first; the value itself is a plain variable, since all emulated CPUs live on one thread. Interrupts travel
// as the kernel's do: a request on the target's call queue, and an IPI if the queue was empty.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <type_traits>
#include <vector>

#include "machine/cpumask.h"
#include "machine/machine.h"
#include "machine/simulator/world.h"

namespace mmscale::machine::simulator {

// One emulated CPU in virtual time. `Checking` compiles the safety oracle in; its accesses then cost time
// too.
template <bool Checking>
class Simulator {
 public:
  template <class T>
  using Atomic = T;
  static constexpr bool checking = Checking;

  // Told of every call on another CPU, on the CPU that calls or is called; `number`: of all that the caller has queued.
  // What it does takes no virtual time.
  class CallWatch {
   public:
    virtual void queues(Simulator& m, unsigned target, std::uint64_t number, const void* info) = 0;
    virtual void handles(Simulator& m, unsigned from, std::uint64_t number, const void* info) = 0;
    virtual void handled(Simulator& m) = 0;

   protected:
    ~CallWatch() = default;
  };

  // The CPUs of one emulated system. Outlives its CPUs.
  class System {
   public:
    explicit System(World& world) : world_(world), cpus_(world.cpus()) {}
    unsigned cpus() const { return static_cast<unsigned>(cpus_.size()); }
    // Null for nobody.
    void watch(CallWatch* watch) { watch_ = watch; }

   private:
    friend class Simulator;
    World& world_;
    std::vector<Simulator*> cpus_;
    CallWatch* watch_ = nullptr;
  };

  Simulator(System& system, unsigned cpu)
      : system_(system), world_(system.world_), cpu_(cpu), to_raise_(system.cpus()) {
    system_.cpus_[cpu] = this;
  }
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;

  // Total store order: a load may overtake an earlier store of its CPU, nothing else overtakes anything. So
  // all orders but sequential consistency come for free, and that costs a fence.
  template <class T>
  MMSCALE_JUMPS T load(const T& a, std::memory_order) const {
    world_.begin_access(cpu_);
    return *static_cast<const T*>(world_.read(cpu_, &a));
  }
  // What this CPU would load, for who looks on: no access, and no time.
  template <class T>
  T peek(const T& a) const {
    return *static_cast<const T*>(world_.peek(cpu_, &a));
  }
  template <class T>
  MMSCALE_JUMPS void store(T& a, std::type_identity_t<T> value, std::memory_order) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= World::kStoreBytes);
    world_.begin_access(cpu_);
    world_.store(cpu_, &a, &value, sizeof(T));
  }
  template <class T>
  MMSCALE_JUMPS T fetch_add(T& a, std::type_identity_t<T> value, std::memory_order) {
    return modify(a, [value](T old) { return static_cast<T>(old + value); });
  }
  template <class T>
  MMSCALE_JUMPS T fetch_sub(T& a, std::type_identity_t<T> value, std::memory_order) {
    return modify(a, [value](T old) { return static_cast<T>(old - value); });
  }
  template <class T>
  MMSCALE_JUMPS T fetch_or(T& a, std::type_identity_t<T> bits, std::memory_order) {
    return modify(a, [bits](T old) { return static_cast<T>(old | bits); });
  }
  template <class T>
  MMSCALE_JUMPS T fetch_and(T& a, std::type_identity_t<T> bits, std::memory_order) {
    return modify(a, [bits](T old) { return static_cast<T>(old & bits); });
  }
  template <class T>
  MMSCALE_JUMPS T exchange(T& a, std::type_identity_t<T> value, std::memory_order) {
    return modify(a, [value](T) { return value; });
  }

  template <class T>
  T compare_exchange(T& a, std::type_identity_t<T> expected, std::type_identity_t<T> value,
                     std::memory_order = std::memory_order_seq_cst) {
    return modify(a, [=](T old) { return old == expected ? value : old; });
  }

  MMSCALE_INLINE void fence() { world_.fence(cpu_, world_.costs().fence); }
  MMSCALE_INLINE void fence_after_rmw() { world_.fence(cpu_, world_.costs().fence_after_rmw); }
  MMSCALE_INLINE void pause() { world_.spend(cpu_, world_.costs().load); }

  template <class T, class Predicate>
  void spin_until(const T& a, Predicate&& done, Waiting waiting = Waiting::polls) {
    const Condition condition = Condition::of(a, done);
    while (!done(load(a, std::memory_order_acquire))) {
      if (!irqs_disabled()) take_interrupts();
      if (!condition.holds() && world_.spin(cpu_, condition, waiting)) return;
    }
  }
  // The same, but reads once it holds: what is not to be simulated.
  template <class T, class Predicate>
  void await(const T& a, Predicate&& done) {
    spin_until(a, done, Waiting::is_told);
  }

  MMSCALE_INLINE void irq_disable() { world_.irq_disable(cpu_); }
  MMSCALE_INLINE void irq_enable() {
    world_.irq_enable(cpu_);
    take_interrupts();
  }
  MMSCALE_INLINE bool irqs_disabled() const { return world_.irqs_disabled(cpu_); }
  MMSCALE_INLINE void take_interrupts() {
    if (world_.take_interrupt(cpu_)) [[unlikely]]
      interrupt();
  }

  MMSCALE_COLD void call_many(const CpuMask& targets, IpiHandler<Simulator> handler, void* info) {
    if (irqs_disabled()) bug("call_many with interrupts off or from an IPI handler would deadlock");
    if (requests_.empty()) requests_.resize(cpus());
    to_raise_.clear();
    world_.begin_interrupts(cpu_);
    targets.for_each([&](unsigned target) {
      if (target == cpu_) return;
      Request& call = request(target);
      call.handler = handler;
      call.info = info;
      store(call.busy, 1u, std::memory_order_relaxed);
      call.number = ++tally_.queued;
      if (system_.watch_ != nullptr) system_.watch_->queues(*this, target, call.number, info);
      if (system_.cpus_[target]->push(*this, call)) {
        ++tally_.raised;
        to_raise_.set(target);
      }
    });
    to_raise_.for_each([&](unsigned target) { world_.raise(cpu_, target); });
    targets.for_each([&](unsigned target) {
      if (target != cpu_) spin_until(requests_[target]->busy, [](std::uint32_t busy) { return busy == 0; });
    });
    world_.end_interrupts(cpu_);
  }

  // Ticks of the model's counter, interrupts on.
  void think(std::uint64_t cycles) { rest(world_.think_time(cycles * world_.costs().tick)); }

  // The same, by the world's clock.
  void rest(Picoseconds time) {
    const Picoseconds end = world_.now(cpu_) + time;
    while (world_.now(cpu_) < end) {
      take_interrupts();
      world_.sleep_until(cpu_, end);
    }
  }

  // The same, interrupts off.
  void stall(std::uint64_t cycles) { world_.spend(cpu_, cycles * world_.costs().tick); }

  void idle_state(std::uint32_t exit_ns) { idle_exit_ = exit_ns * kPsPerNs; }

  // Whatever takes that long and touches nothing shared, interrupts off; siblings share the core.
  void compute(Picoseconds time) { world_.compute(cpu_, time); }

  std::uint64_t now() const { return world_.now(cpu_) / kPsPerNs; }
  MMSCALE_INLINE unsigned cpu() const { return cpu_; }
  unsigned cpus() const { return system_.cpus(); }
  MMSCALE_INLINE void* percpu() const { return percpu_; }
  void set_percpu(void* area) { percpu_ = area; }
  const IpiTally& ipi_tally() const { return tally_; }

 private:
  // call_single_data: one of each sender for each target, made when it is first used.
  struct alignas(kLine) Request {
    Request* next = nullptr;
    IpiHandler<Simulator> handler = nullptr;
    void* info = nullptr;
    std::uint32_t busy = 0;
    unsigned from = 0;
    std::uint64_t number = 0;
  };

  template <class T, class Operation>
  MMSCALE_JUMPS T modify(T& a, Operation operation) {
    world_.begin_access(cpu_);
    const std::uint32_t line = world_.begin_rmw(cpu_, &a);
    const T old = a;
    a = operation(old);
    world_.end_write(cpu_, line);
    return old;
  }

  Request& request(unsigned target) {
    if (!requests_[target]) {
      requests_[target] = std::make_unique<Request>();
      requests_[target]->from = cpu_;
    }
    return *requests_[target];
  }

  // llist_add to this CPU's queue by `sender`, which pays for it; true if it was empty.
  bool push(Simulator& sender, Request& call) {
    call.next = sender.exchange(queue_, &call, std::memory_order_release);
    return call.next == nullptr;
  }

  // The interrupt entry: runs what is queued, oldest first, with interrupts off.
  MMSCALE_COLD void interrupt() {
    world_.begin_interrupts(cpu_);
    world_.spend(cpu_, idle_exit_);
    do {
      world_.irq_disable(cpu_);
      world_.spend(cpu_, world_.costs().ipi_handle);
      Request* newest_first = exchange(queue_, nullptr, std::memory_order_acquire);
      Request* oldest_first = nullptr;
      while (newest_first != nullptr) {
        Request* next = newest_first->next;
        newest_first->next = oldest_first;
        oldest_first = newest_first;
        newest_first = next;
      }
      for (Request* call = oldest_first; call != nullptr;) {
        // Read before the ack: with `busy` clear the sender may queue the request again.
        Request* next = call->next;
        if (system_.watch_ != nullptr) system_.watch_->handles(*this, call->from, call->number, call->info);
        call->handler(*this, call->info);
        if (system_.watch_ != nullptr) system_.watch_->handled(*this);
        store(call->busy, 0u, std::memory_order_release);
        call = next;
      }
      world_.irq_enable(cpu_);
    } while (world_.take_interrupt(cpu_));
    world_.end_interrupts(cpu_);
  }

  [[noreturn]] MMSCALE_COLD void bug(const char* what) const {
    std::fprintf(stderr, "mmscale: BUG: cpu %u: %s\n", cpu_, what);
    std::abort();
  }

  System& system_;
  World& world_;
  const unsigned cpu_;
  void* percpu_ = nullptr;
  IpiTally tally_;
  Picoseconds idle_exit_ = 0;
  std::vector<std::unique_ptr<Request>> requests_;
  CpuMask to_raise_;
  // The call queue, newest first: written by every sender.
  alignas(kApart) Request* queue_ = nullptr;
};

static_assert(Machine<Simulator<false>>);
static_assert(Machine<Simulator<true>>);

}  // namespace mmscale::machine::simulator
