// SPDX-License-Identifier: MIT
//
// preempt_disable() (include/linux/preempt.h). Nothing preempts an emulated CPU; what is left of it is the
// rule that some functions may only be called with preemption off, which a checking Machine enforces.
#pragma once

#include "kernel/cpu.h"
#include "kernel/irq.h"

namespace mmscale::kernel {

// preempt_disable() ... preempt_enable(), get_cpu() ... put_cpu().
template <class M>
class PreemptOff {
 public:
  MMSCALE_INLINE explicit PreemptOff(Cpu<M>& cpu) : cpu_(cpu) {
    if constexpr (M::checking) ++cpu_.preempt_count;
  }
  MMSCALE_INLINE ~PreemptOff() {
    if constexpr (M::checking) --cpu_.preempt_count;
  }
  PreemptOff(const PreemptOff&) = delete;
  PreemptOff& operator=(const PreemptOff&) = delete;

 private:
  Cpu<M>& cpu_;
};

// smp_call_function_many's rule (kernel/smp.c): preemption off, or the caller's own CPU number is stale;
// interrupts on, or two senders wait for each other.
template <class M>
void expect_may_call_many(M& m, Cpu<M>& cpu) {
  if constexpr (M::checking) {
    if (m.irqs_disabled()) report(m, cpu, Violation::assertion, "smp_call_function_many with interrupts off");
    if (cpu.preempt_count == 0)
      report(m, cpu, Violation::assertion, "smp_call_function_many with preemption on");
  }
}

}  // namespace mmscale::kernel
