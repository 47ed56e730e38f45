// SPDX-License-Identifier: MIT
//
// call_rcu() for mms: a CPU's own list of callbacks that free one each, in two segments as the kernel's
// (rcu_segcblist): those that wait for the grace period under way, and those that came after it began.
#pragma once

#include <cstdint>
#include <utility>

#include "kernel/mm_life.h"
#include "kernel/rcu.h"

namespace mmscale::kernel {

// Mms one CPU may have waiting. The kernel has no such limit, it has memory; here who reaches it waits.
inline constexpr unsigned kMostRcuCallbacks = 1024;

template <class M>
struct RcuCallbacks {
  Mm<M>* waiting = nullptr;
  Mm<M>* next = nullptr;
  std::uint64_t cookie = 0;
  unsigned count = 0;
};

// Frees what a grace period has passed for, and starts the next one.
template <class M>
void rcu_advance(M& m, Cpu<M>& cpu, RcuCallbacks<M>& callbacks) {
  if (callbacks.waiting != nullptr) {
    if (!rcu::poll(m, cpu, callbacks.cookie)) return;
    for (auto* mm = std::exchange(callbacks.waiting, nullptr); mm != nullptr; --callbacks.count) {
      auto* following = mm->next_free;
      free_mm(m, cpu, mm);
      mm = following;
    }
  }
  if (callbacks.next == nullptr) return;
  callbacks.waiting = std::exchange(callbacks.next, nullptr);
  callbacks.cookie = rcu::start_poll(m, cpu);
}

// rcu_barrier() for this CPU's callbacks.
template <class M>
void rcu_barrier(M& m, Cpu<M>& cpu, RcuCallbacks<M>& callbacks) {
  for (rcu_advance(m, cpu, callbacks); callbacks.waiting != nullptr; rcu_advance(m, cpu, callbacks))
    rcu::wait(m, cpu, callbacks.cookie);
}

// call_rcu(&mm->delayed_drop, ...). From task context, interrupts on.
template <class M>
void call_rcu_free(M& m, Cpu<M>& cpu, RcuCallbacks<M>& callbacks, Mm<M>* mm) {
  mm->next_free = callbacks.next;
  callbacks.next = mm;
  if (++callbacks.count >= kMostRcuCallbacks)
    rcu_barrier(m, cpu, callbacks);
  else
    rcu_advance(m, cpu, callbacks);
}

}  // namespace mmscale::kernel
