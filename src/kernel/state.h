// SPDX-License-Identifier: MIT
//
// Room for what a scheme or a lifecycle keeps: per CPU, per mm, and per mm and CPU. A policy (scheme or
// lifecycle) asks for it by having a member template of that name; one that has none takes no space.
//
//   template <class K> struct PerCpu        in Cpu::scheme / Cpu::lifecycle; a scheme's is constructed from the
//                                           system's Tuning if it can be, else by default
//   template <class K> struct PerMm         in Mm::scheme / Mm::lifecycle; reset(m) is called when an mm is born
//   template <class K> struct PerMmPerCpu   schemes only: one per CPU behind each mm, Mm::scheme_of(cpu); reset(m) too
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <type_traits>

namespace mmscale::kernel {

struct Nothing {
  template <class M>
  void reset(M&) {}
};

template <class State, class Tuning>
State make_per_cpu(const Tuning& tuning) {
  if constexpr (std::is_constructible_v<State, const Tuning&>)
    return State(tuning);
  else
    return State();
}

template <class Policy, class K>
struct PerCpuOf {
  using type = Nothing;
};
template <class Policy, class K>
requires requires { typename Policy::template PerCpu<K>; }
struct PerCpuOf<Policy, K> {
  using type = typename Policy::template PerCpu<K>;
};

template <class Policy, class K>
struct PerMmOf {
  using type = Nothing;
};
template <class Policy, class K>
requires requires { typename Policy::template PerMm<K>; }
struct PerMmOf<Policy, K> {
  using type = typename Policy::template PerMm<K>;
};

template <class Policy, class K>
struct PerMmPerCpuOf {
  using type = Nothing;
};
template <class Policy, class K>
requires requires { typename Policy::template PerMmPerCpu<K>; }
struct PerMmPerCpuOf<Policy, K> {
  using type = typename Policy::template PerMmPerCpu<K>;
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
  typename M::template Atomic<std::uint32_t> tables{1};
  typename M::template Atomic<std::uint32_t> flushed{1};
  typename M::template Atomic<std::uint32_t> broadcast{1};
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
