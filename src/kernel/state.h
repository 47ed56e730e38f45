// SPDX-License-Identifier: MIT
//
// Room for what a scheme or a lifecycle keeps: per CPU, per mm, and per mm and CPU. It states a member template of that
// name, and finds its own again by it:
//
//   PerCpu        scheme_state<PerCpu>(cpu), arch_state<PerCpu>(cpu); constructed from the system's Tuning if it can be,
//                 else by default
//   PerMm         scheme_state<PerMm>(mm), arch_state<PerMm>(mm); reset(m) is called when an mm is born
//   PerMmPerCpu   schemes only: one per CPU behind each mm, scheme_state<PerMmPerCpu>(mm, cpu, cpus); reset(m) too
//
// Where these stand does not depend on who keeps what, so that Cpu and Mm are the same types for all, and the address is
// known when the scheme's own functions are compiled.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <source_location>
#include <type_traits>

#include "kernel/build.h"
#include "machine/machine.h"

namespace mmscale::kernel {

using machine::kLine;

template <class M>
struct Cpu;
template <class M>
struct Mm;
template <class M>
struct System;

// A word that CPUs share, as the Machine has it.
template <class M, class T>
using Atomic = typename M::template Atomic<T>;

// In Cpu: lines of its own each, since other CPUs may read and write them. In Mm: the rest of a line that dying and the
// architecture write, as mm->context stands in mm_struct. Who needs more makes the room larger.
inline constexpr std::size_t kLifecycleRoomPerCpu = 4 * machine::kApart;
inline constexpr std::size_t kSchemeRoomPerCpu = 4 * machine::kApart;
inline constexpr std::size_t kLifecycleRoomPerMm = 24;
inline constexpr std::size_t kSchemeRoomPerMm = 16;

struct Nothing {};

// How the kernel makes what somebody keeps per CPU; 0 bytes and nothing to make if nothing is.
struct CpuState {
  std::size_t bytes = 0;
  void (*make)(std::byte* room, const Tuning& tuning) = nullptr;
};

// The same per mm, or per mm and CPU; `reset` when an mm is born.
template <class M>
struct MmState {
  std::size_t bytes = 0;
  void (*make)(std::byte* room) = nullptr;
  void (*reset)(M& m, std::byte* room) = nullptr;
};

template <class State>
State& state_at(std::byte* room) {
  return *std::launder(reinterpret_cast<State*>(room));
}

template <class State, std::size_t kRoom>
constexpr CpuState make_cpu_state() {
  static_assert(sizeof(State) <= kRoom && alignof(State) <= machine::kApart,
                "PerCpu: more than there is room for");
  static_assert(std::is_trivially_destructible_v<State>, "PerCpu: nobody destroys it");
  if constexpr (std::is_same_v<State, Nothing>)
    return {};
  else
    return {sizeof(State), [](std::byte* room, const Tuning& tuning) {
              if constexpr (std::is_constructible_v<State, const Tuning&>)
                new (room) State(tuning);
              else
                new (room) State();
            }};
}
template <class State, std::size_t kRoom>
inline constexpr CpuState kCpuState = make_cpu_state<State, kRoom>();

template <class M, class State, std::size_t kRoom>
constexpr MmState<M> make_mm_state() {
  static_assert(sizeof(State) <= kRoom, "PerMm: more than there is room for");
  static_assert(std::is_trivially_destructible_v<State>, "PerMm, PerMmPerCpu: nobody destroys it");
  if constexpr (std::is_same_v<State, Nothing>)
    return {};
  else
    return {sizeof(State), [](std::byte* room) { new (room) State{}; },
            [](M& m, std::byte* room) { state_at<State>(room).reset(m); }};
}
template <class M, class State, std::size_t kRoom = SIZE_MAX>
inline constexpr MmState<M> kMmState = make_mm_state<M, State, kRoom>();

template <template <class> class State, class M>
MMSCALE_INLINE State<M>& scheme_state(Cpu<M>& cpu) {
  return state_at<State<M>>(cpu.scheme_room);
}
template <template <class> class State, class M>
MMSCALE_INLINE State<M>& scheme_state(Mm<M>* mm) {
  return state_at<State<M>>(mm->scheme_room);
}
template <template <class> class State, class M>
MMSCALE_INLINE State<M>& scheme_state(Mm<M>* mm, unsigned cpu, unsigned cpus) {
  return state_at<State<M>>(mm->per_cpu_room(cpus) + cpu * sizeof(State<M>));
}
template <template <class> class State, class M>
MMSCALE_INLINE State<M>& arch_state(Cpu<M>& cpu) {
  return state_at<State<M>>(cpu.lifecycle_room);
}
template <template <class> class State, class M>
MMSCALE_INLINE State<M>& arch_state(Mm<M>* mm) {
  return state_at<State<M>>(mm->lifecycle_room);
}

// The word that says which life of an mm this is: a Machine may have one that its oracle sees through whatever memory
// model it explores (machine/explorer).
template <class M>
struct LifeWordOf {
  using type = typename M::template Atomic<std::uint32_t>;
};
template <class M>
requires requires { typename M::LifeWord; }
struct LifeWordOf<M> {
  using type = typename M::LifeWord;
};

// A field that the kernel reads and writes plainly although another CPU may read it meanwhile. A plain word; one that is
// shared, with relaxed order, on a Machine which explores what such a reader sees (machine/explorer).
template <class M, class T>
class PlainField {
 public:
  constexpr PlainField(T value) : value_(value) {}
  MMSCALE_INLINE T get(const M&) const { return value_; }
  MMSCALE_INLINE void set(M&, T value) { value_ = value; }
  MMSCALE_INLINE operator T() const { return value_; }
  // What somebody knows who has come by it otherwise than by reading it: no access.
  MMSCALE_INLINE T known() const { return value_; }
  PlainField& operator=(T value) {
    value_ = value;
    return *this;
  }

 private:
  T value_;
};
template <class M, class T>
requires(M::kPlainFieldsAreShared) class PlainField<M, T> {
 public:
  using Where = std::source_location;

  constexpr PlainField(T value) : value_(value) {}
  T get(const M& m, Where where = Where::current()) const {
    return m.load(value_, std::memory_order_relaxed, where);
  }
  void set(M& m, T value, Where where = Where::current()) {
    m.store(value_, value, std::memory_order_relaxed, where);
  }
  T known() const { return value_.value; }
  const Atomic<M, T>* location() const { return &value_; }

 private:
  Atomic<M, T> value_;
};

// A Machine that models what the TLBs of its CPUs hold says for how many CPUs: kTlbCpus (kernel/tlb.h).
template <class M>
inline constexpr bool kHasTlb = requires {
  M::kTlbCpus;
};

struct NoTlb {
  template <class M>
  void reset(M&) {}
};

// What the TLBs may hold of one mm.
template <class M>
struct Tlb {
  // Version of the page tables, the newest whose flush has returned, and the one below which a broadcast has
  // removed all entries.
  Atomic<M, std::uint32_t> tables{1};
  Atomic<M, std::uint32_t> flushed{1};
  Atomic<M, std::uint32_t> broadcast{1};
  // By CPU, its own: the version that its oldest entry was read at, 0 if it has none.
  std::array<std::uint32_t, M::kTlbCpus> cached{};

  // A new mm has a PID, or an ASID, of which no TLB holds anything.
  void reset(M& m) {
    m.store(tables, 1u, std::memory_order_relaxed);
    m.store(flushed, 1u, std::memory_order_relaxed);
    m.store(broadcast, 1u, std::memory_order_relaxed);
    cached = {};
  }
};

template <class M>
struct TlbOf {
  using type = NoTlb;
};
template <class M>
requires(kHasTlb<M>) struct TlbOf<M> {
  using type = Tlb<M>;
};

}  // namespace mmscale::kernel
