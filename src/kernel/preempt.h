// SPDX-License-Identifier: MIT
//
// preempt_disable() (include/linux/preempt.h). Nothing preempts an emulated CPU; what is left of it is the
// rule that some functions may only be called with preemption off, which a checking Machine enforces.
#pragma once

#include "kernel/cpu.h"
#include "kernel/irq.h"

namespace mmscale::kernel {

// preempt_disable() ... preempt_enable(), get_cpu() ... put_cpu().
template <class K>
class PreemptOff {
 public:
  MMSCALE_INLINE explicit PreemptOff(Cpu<K>& cpu) : cpu_(cpu) {
    if constexpr (K::Machine::checking) ++cpu_.preempt_count;
  }
  MMSCALE_INLINE ~PreemptOff() {
    if constexpr (K::Machine::checking) --cpu_.preempt_count;
  }
  PreemptOff(const PreemptOff&) = delete;
  PreemptOff& operator=(const PreemptOff&) = delete;

 private:
  Cpu<K>& cpu_;
};

// smp_call_function_many's rule (kernel/smp.c): preemption off, or the caller's own CPU number is stale;
// interrupts on, or two senders wait for each other.
template <class K>
void expect_may_call_many(typename K::Machine& m, Cpu<K>& cpu) {
  if constexpr (K::Machine::checking) {
    if (m.irqs_disabled())
      report<K>(m, cpu, Violation::assertion, "smp_call_function_many with interrupts off");
    if (cpu.preempt_count == 0)
      report<K>(m, cpu, Violation::assertion, "smp_call_function_many with preemption on");
  }
}

}  // namespace mmscale::kernel
