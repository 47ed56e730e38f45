// SPDX-License-Identifier: MIT
//
// Deep idle states (drivers/cpuidle), as far as the architecture's TLB code takes part.
#pragma once

#include "kernel/cpu.h"

namespace mmscale::kernel {

// cpuidle_enter_state() into a state that loses the TLB, by the idle task. Waking from it needs nothing.
template <class M>
void enter_deep_idle(M& m, Cpu<M>& cpu) {
  cpu.system->lifecycle.enter_deep_idle(m, cpu);
}

}  // namespace mmscale::kernel
