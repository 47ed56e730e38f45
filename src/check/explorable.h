// SPDX-License-Identifier: MIT
//
// Which schemes can be explored.
#pragma once

namespace mmscale::check {

// All whose state has a fixed size: the explorer puts memory back byte by byte. The model of RCU
// (kernel/rcu.h) keeps its grace periods in vectors that grow while CPUs run.
template <class Scheme>
inline constexpr bool kExplorable = !requires {
  requires Scheme::kUsesRcu;
};

}  // namespace mmscale::check
