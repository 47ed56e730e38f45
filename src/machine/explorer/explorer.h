// SPDX-License-Identifier: MIT
//
// The Machine that is every interleaving: one fiber per emulated CPU, and each access to shared state, each
// barrier and each instant at which an interrupt may come a point where something else can happen first. An
// Atomic<T> is a plain T whose address is its location. docs/explorer.md says what is explored and what is
// not.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "machine/cpumask.h"
#include "machine/explorer/world.h"
#include "machine/machine.h"

namespace mmscale::machine::explorer {

// A CPU of `World`. Every operation notes who asked for it, so that a schedule can be read.
class Explorer {
 public:
  template <class T>
  struct Atomic {
    Atomic() = default;
    constexpr Atomic(T initial) : value(initial) {}
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    T value{};
  };
  // A word for the oracle alone, which all see at once under every memory model: the life of an mm. Under rc11 it also
  // keeps whose use of that life happened before what (note_use).
  template <class T>
  struct Watched : Atomic<T> {
    using Atomic<T>::Atomic;
    std::array<std::byte, kMaxCpus> used_by{};
  };
  template <class Word>
  static constexpr bool kIsWatched = requires(Word word) {
    word.used_by;
  };
  using LifeWord = Watched<std::uint32_t>;
  static constexpr bool checking = true;
  // All emulated CPUs run on one thread of the host, and nothing may be allocated while they do.
  static constexpr bool kOneThread = true;
  static constexpr bool kPlainFieldsAreShared = true;
  // What TLBs hold is modelled (kernel/tlb.h), for so many CPUs.
  static constexpr unsigned kTlbCpus = kMaxCpus;

  Explorer(World& world, unsigned cpu) : world_(world), core_(world.core(cpu)) { core_.set_machine(this); }
  Explorer(const Explorer&) = delete;
  Explorer& operator=(const Explorer&) = delete;

  using Where = std::source_location;

  template <template <class> class Word, class T>
  T load(const Word<T>& a, std::memory_order order, Where where = Where::current()) const {
    return load_from(a, order, where, kIsWatched<Word<T>>);
  }
  // A seq_cst store is an exchange but under rc11, as compilers make it for x86.
  template <template <class> class Word, class T>
  void store(Word<T>& a, std::type_identity_t<T> value, std::memory_order order,
             Where where = Where::current()) {
    store_to(a, value, order, where, kIsWatched<Word<T>>);
  }
  template <class T>
  T fetch_add(Atomic<T>& a, std::type_identity_t<T> value, std::memory_order order,
              Where where = Where::current()) {
    return modify(a, order, "+=", where, value, [value](T old) { return static_cast<T>(old + value); });
  }
  template <class T>
  T fetch_sub(Atomic<T>& a, std::type_identity_t<T> value, std::memory_order order,
              Where where = Where::current()) {
    return modify(a, order, "-=", where, value, [value](T old) { return static_cast<T>(old - value); });
  }
  template <template <class> class Word, class T>
  T fetch_or(Word<T>& a, std::type_identity_t<T> value, std::memory_order order,
             Where where = Where::current()) {
    return modify(
        a, order, "|=", where, value, [value](T old) { return static_cast<T>(old | value); },
        kIsWatched<Word<T>>);
  }
  template <class T>
  T fetch_and(Atomic<T>& a, std::type_identity_t<T> value, std::memory_order order,
              Where where = Where::current()) {
    return modify(a, order, "&=", where, value, [value](T old) { return static_cast<T>(old & value); });
  }
  template <class T>
  T exchange(Atomic<T>& a, std::type_identity_t<T> value, std::memory_order order,
             Where where = Where::current()) {
    return modify(a, order, "exchange", where, value, [value](T) { return value; });
  }

  // One that fails is a read-modify-write all the same: stronger than the kernel's, whose failure orders nothing.
  template <class T>
  T compare_exchange(Atomic<T>& a, std::type_identity_t<T> expected, std::type_identity_t<T> value,
                     std::memory_order order, Where where = Where::current()) {
    return modify(a, order, "compare and exchange", where, value,
                  [=](T old) { return old == expected ? value : old; });
  }

  // smp_mb(), or std::atomic_thread_fence. Under tso and pso any is a full barrier.
  void fence(std::memory_order order = std::memory_order_seq_cst, Where where = Where::current()) {
    order = world_.order_at(Site::Kind::fence, order, where);
    if (order != std::memory_order_relaxed) barrier(order, where);
  }
  // Nothing where a read-modify-write is a full barrier, which it is not under pso and rc11.
  void fence_after_rmw(Where where = Where::current()) {
    if (world_.memory() == Memory::pso || world_.memory() == Memory::rc11)
      fence(std::memory_order_seq_cst, where);
  }
  void pause() {}

  template <class T, class Predicate>
  void spin_until(const Atomic<T>& a, Predicate&& done, Where where = Where::current()) {
    struct Waiting {
      const Explorer& machine;
      const Atomic<T>& a;
      std::remove_reference_t<Predicate>& done;
    } waiting{*this, a, done};
    Operation operation =
        make(Operation::Kind::wait, world_.order_at(Site::Kind::wait, std::memory_order_acquire, where),
             &a.value, sizeof(T), "wait", where);
    operation.satisfied = [](const void* context) {
      const auto& w = *static_cast<const Waiting*>(context);
      return static_cast<bool>(w.done(w.machine.visible(w.a)));
    };
    operation.waiting = &waiting;
    core_.stop_before(operation);
    T ended;
    core_.perform_read(&ended, operation);
  }

  // The oracle's: this CPU follows a pointer to what `life` is the life of. Whoever ends that life must know of it, or
  // the use may come after: unordered_use says whether there is one elsewhere that this CPU does not know of. Only
  // rc11 can tell; elsewhere a use that comes too late finds the life ended.
  template <class T>
  void note_use(const Watched<T>& life) {
    core_.mark(&life.used_by[core_.cpu]);
  }
  template <class T>
  bool unordered_use(const Watched<T>& life) const {
    for (unsigned other = 0; other < cpus(); ++other)
      if (other != core_.cpu && !core_.knows_mark(&life.used_by[other])) return true;
    return false;
  }

  // Around a walk over CPUs that only looks, and is not of the program, so that the order of the looks decides nothing.
  // `at_once`: what they see is what each CPU has stored, under rc11 too.
  void observe(bool on, bool at_once) {
    core_.observing = on;
    core_.sees_at_once = at_once;
  }

  void irq_disable(Where where = Where::current()) {
    take_interrupts(where);
    core_.irqs_off = true;
  }
  void irq_enable() { core_.irqs_off = false; }
  bool irqs_disabled() const { return core_.irqs_off; }
  void take_interrupts(Where where = Where::current()) {
    if (!core_.irqs_off)
      stop(Operation::Kind::local, std::memory_order_relaxed, nullptr, 0, "interrupts on", where);
  }

  void call_many(const CpuMask& targets, IpiHandler<Explorer> handler, void* info,
                 Where where = Where::current()) {
    targets.for_each([&](unsigned target) {
      if (target == core_.cpu) return;
      ++tally_.queued;
      ++tally_.raised;
      IpiRequest& request = core_.requests[target];
      request.run = run_handler;
      request.handler = reinterpret_cast<void*>(handler);
      request.info = info;
      if (world_.direct()) {
        world_.interrupt_directly(target, request);
        return;
      }
      Operation operation = make(Operation::Kind::rmw, std::memory_order_release,
                                 world_.inbox_location(target), 0, "send an IPI to CPU", where, target);
      operation.coherent = true;
      core_.stop_before(operation);
      world_.push(core_.cpu, target, request);
    });
    if (world_.direct()) return;
    targets.for_each([&](unsigned target) {
      if (target != core_.cpu) wait_for(core_.requests[target], where);
    });
  }

  void think(std::uint64_t, Where where = Where::current()) { take_interrupts(where); }
  void stall(std::uint64_t) {}
  void idle_state(std::uint32_t) {}
  // The kernel may preempt its task here: asks whoever decides that. Nobody, unless it was said.
  void preempt() {
    if (preempt_ != nullptr) preempt_(preempting_, core_.cpu);
  }
  void set_preemption(void (*ask)(void* context, unsigned cpu), void* context) {
    preempt_ = ask;
    preempting_ = context;
  }
  // Time does not pass: nothing explored may depend on it.
  std::uint64_t now() const { return 0; }
  Memory memory() const { return world_.memory(); }
  unsigned cpu() const { return core_.cpu; }
  unsigned cpus() const { return world_.cpus(); }
  void* percpu() const { return percpu_; }
  void set_percpu(void* area) { percpu_ = area; }
  const IpiTally& ipi_tally() const { return tally_; }

 private:
  static Operation make(Operation::Kind kind, std::memory_order order, const void* location,
                        std::size_t bytes, const char* name, const Where& where, std::uint64_t operand = 0) {
    Operation operation;
    operation.kind = kind;
    operation.order = order;
    operation.location = location;
    operation.bytes = bytes;
    operation.name = name;
    operation.where = where;
    operation.operand = operand;
    return operation;
  }

  Operation stop(Operation::Kind kind, std::memory_order order, const void* location, std::size_t bytes,
                 const char* name, const Where& where, std::uint64_t operand = 0,
                 bool coherent = false) const {
    Operation operation = make(kind, order, location, bytes, name, where, operand);
    operation.coherent = coherent;
    core_.stop_before(operation);
    return operation;
  }

  template <class T>
  T visible(const Atomic<T>& a) const {
    T value;
    core_.read(&a.value, &value, sizeof(T));
    return value;
  }

  template <class T>
  static std::uint64_t bits(T value) {
    std::uint64_t word = 0;
    std::memcpy(&word, &value, sizeof(T));
    return word;
  }

  void barrier(std::memory_order order, const Where& where) {
    const char* name = order == std::memory_order_seq_cst   ? "full barrier"
                       : order == std::memory_order_acquire ? "acquire fence"
                       : order == std::memory_order_release ? "release fence"
                                                            : "acquire and release fence";
    const Operation operation = stop(Operation::Kind::fence, order, nullptr, 0, name, where);
    core_.fence(operation.order);
  }

  // What the kernel asks of value-returning atomics and smp_store_mb() (Documentation/atomic_t.txt): a full barrier
  // before and one behind. Compilers for x86 make no other code of seq_cst, so that it matters under rc11 alone.
  struct FullBarriers {
    FullBarriers(Explorer& machine, std::memory_order asked, const Where& at)
        : m(machine),
          on(asked == std::memory_order_seq_cst && m.world_.has_kernel_atomics() &&
             m.world_.memory() == Memory::rc11),
          order(on ? std::memory_order_acq_rel : asked),
          where(at) {
      if (on) m.barrier(std::memory_order_seq_cst, where);
    }
    ~FullBarriers() {
      if (on) m.barrier(std::memory_order_seq_cst, where);
    }
    FullBarriers(const FullBarriers&) = delete;
    FullBarriers& operator=(const FullBarriers&) = delete;

    Explorer& m;
    const bool on;
    const std::memory_order order;
    const Where where;
  };

  template <class T>
  T load_from(const Atomic<T>& a, std::memory_order order, const Where& where, bool coherent) const {
    coherent = coherent || core_.sees_at_once;
    if (!coherent) order = world_.order_at(Site::Kind::load, order, where);
    const Operation operation =
        stop(Operation::Kind::load, order, &a.value, sizeof(T), "load", where, 0, coherent);
    T value;
    core_.perform_read(&value, operation);
    world_.note_value(core_.cpu, bits(value), bits(value));
    return value;
  }

  template <class T>
  void store_to(Atomic<T>& a, T value, std::memory_order order, const Where& where, bool coherent) {
    if (!coherent) order = world_.order_at(Site::Kind::store, order, where);
    const auto kind = order == std::memory_order_seq_cst && world_.memory() != Memory::rc11
                          ? Operation::Kind::rmw
                          : Operation::Kind::store;
    const FullBarriers full(*this, order, where);
    const Operation operation =
        stop(kind, full.order, &a.value, sizeof(T), "store", where, bits(value), coherent);
    world_.note_value(core_.cpu, bits(visible(a)), bits(value));
    core_.write(&a.value, &value, operation);
  }

  template <class T, class F>
  T modify(Atomic<T>& a, std::memory_order order, const char* name, const Where& where, T operand, F&& f,
           bool coherent = false) {
    if (!coherent) order = world_.order_at(Site::Kind::rmw, order, where);
    const FullBarriers full(*this, order, where);
    const Operation operation =
        stop(Operation::Kind::rmw, full.order, &a.value, sizeof(T), name, where, bits(operand), coherent);
    T before;
    core_.perform_read(&before, operation);
    const T after = f(before);
    world_.note_value(core_.cpu, bits(before), bits(after));
    core_.write(&a.value, &after, operation);
    return before;
  }

  void wait_for(IpiRequest& request, const Where& where) {
    Operation operation = make(Operation::Kind::wait, std::memory_order_acquire, &request.busy,
                               sizeof(request.busy), "wait for the IPI's acknowledgement", where);
    operation.coherent = true;
    struct Waiting {
      const Core& core;
      const IpiRequest& request;
    } waiting{core_, request};
    operation.satisfied = [](const void* context) {
      const auto& w = *static_cast<const Waiting*>(context);
      return w.request.busy == 0;
    };
    operation.waiting = &waiting;
    core_.stop_before(operation);
    core_.acquire(request);
  }

  static void run_handler(void* machine, void* handler, void* info) {
    reinterpret_cast<IpiHandler<Explorer>>(handler)(*static_cast<Explorer*>(machine), info);
  }

  World& world_;
  Core& core_;
  void* percpu_ = nullptr;
  void (*preempt_)(void*, unsigned) = nullptr;
  void* preempting_ = nullptr;
  IpiTally tally_;
};

static_assert(Machine<Explorer>);

}  // namespace mmscale::machine::explorer
