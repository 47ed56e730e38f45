// SPDX-License-Identifier: MIT
//
// The Machine that is every interleaving: one fiber per emulated CPU, and each access to shared state, each
// barrier and each instant at which an interrupt may come a point where something else can happen first. An
// Atomic<T> is a plain T whose address is its location. docs/explorer.md says what is explored and what is
// not.
#pragma once

#include <atomic>
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
  static constexpr bool checking = true;
  // All emulated CPUs run on one thread of the host, and nothing may be allocated while they do.
  static constexpr bool kOneThread = true;
  // What TLBs hold is modelled (kernel/tlb.h), for so many CPUs.
  static constexpr unsigned kTlbCpus = kMaxCpus;

  Explorer(World& world, unsigned cpu) : world_(world), core_(world.core(cpu)) { core_.set_machine(this); }
  Explorer(const Explorer&) = delete;
  Explorer& operator=(const Explorer&) = delete;

  using Where = std::source_location;

  template <class T>
  T load(const Atomic<T>& a, std::memory_order order, Where where = Where::current()) const {
    stop(Operation::Kind::load, order, &a.value, sizeof(T), "load", where);
    const T value = visible(a);
    world_.note_value(core_.cpu, bits(value), bits(value));
    return value;
  }
  // A seq_cst store is an exchange, as compilers make it for x86.
  template <class T>
  void store(Atomic<T>& a, std::type_identity_t<T> value, std::memory_order order,
             Where where = Where::current()) {
    const auto kind = order == std::memory_order_seq_cst ? Operation::Kind::rmw : Operation::Kind::store;
    const Operation operation = stop(kind, order, &a.value, sizeof(T), "store", where, bits(value));
    world_.note_value(core_.cpu, bits(visible(a)), bits(value));
    core_.write(&a.value, &value, operation);
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
  template <class T>
  T fetch_or(Atomic<T>& a, std::type_identity_t<T> value, std::memory_order order,
             Where where = Where::current()) {
    return modify(a, order, "|=", where, value, [value](T old) { return static_cast<T>(old | value); });
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

  void fence(Where where = Where::current()) {
    stop(Operation::Kind::fence, std::memory_order_seq_cst, nullptr, 0, "full barrier", where);
  }
  // Nothing where a read-modify-write is a full barrier, which it is not under pso.
  void fence_after_rmw(Where where = Where::current()) {
    if (world_.memory() == Memory::pso) fence(where);
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
        make(Operation::Kind::wait, std::memory_order_acquire, &a.value, sizeof(T), "wait", where);
    operation.satisfied = [](const void* context) {
      const auto& w = *static_cast<const Waiting*>(context);
      return static_cast<bool>(w.done(w.machine.visible(w.a)));
    };
    operation.waiting = &waiting;
    core_.stop_before(operation);
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
      stop(Operation::Kind::rmw, std::memory_order_release, world_.inbox_location(target), 0,
           "send an IPI to CPU", where, target);
      world_.push(target, request);
    });
    if (world_.direct()) return;
    targets.for_each([&](unsigned target) {
      if (target != core_.cpu) wait_for(core_.requests[target], where);
    });
  }

  void think(std::uint64_t, Where where = Where::current()) { take_interrupts(where); }
  void stall(std::uint64_t) {}
  // Time does not pass: nothing explored may depend on it.
  std::uint64_t now() const { return 0; }
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
                 const char* name, const Where& where, std::uint64_t operand = 0) const {
    const Operation operation = make(kind, order, location, bytes, name, where, operand);
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

  template <class T, class F>
  T modify(Atomic<T>& a, std::memory_order order, const char* name, const Where& where, T operand, F&& f) {
    const Operation operation =
        stop(Operation::Kind::rmw, order, &a.value, sizeof(T), name, where, bits(operand));
    const T before = visible(a);
    const T after = f(before);
    world_.note_value(core_.cpu, bits(before), bits(after));
    core_.write(&a.value, &after, operation);
    return before;
  }

  void wait_for(IpiRequest& request, const Where& where) {
    Operation operation = make(Operation::Kind::wait, std::memory_order_acquire, &request.busy,
                               sizeof(request.busy), "wait for the IPI's acknowledgement", where);
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
  }

  static void run_handler(void* machine, void* handler, void* info) {
    reinterpret_cast<IpiHandler<Explorer>>(handler)(*static_cast<Explorer*>(machine), info);
  }

  World& world_;
  Core& core_;
  void* percpu_ = nullptr;
  IpiTally tally_;
};

static_assert(Machine<Explorer>);

}  // namespace mmscale::machine::explorer
