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

}  // namespace mmscale::kernel
