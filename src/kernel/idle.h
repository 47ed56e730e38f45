// SPDX-License-Identifier: MIT
//
// Deep idle states (drivers/cpuidle), as far as the architecture's TLB code takes part.
#pragma once

#include "kernel/cpu.h"

namespace mmscale::kernel {

// cpuidle_enter_state() into a state that loses the TLB, by the idle task. Waking from it needs nothing.
template <class K>
void enter_deep_idle(typename K::Machine& m, Cpu<K>& cpu) {
  if constexpr (requires { K::Lifecycle::template enter_deep_idle<K>(m, cpu); })
    K::Lifecycle::template enter_deep_idle<K>(m, cpu);
}

}  // namespace mmscale::kernel
