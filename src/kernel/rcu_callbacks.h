// SPDX-License-Identifier: MIT
//
// call_rcu() for mms: a CPU's own list of callbacks that free one each, in two segments as the kernel's
// (rcu_segcblist): those that wait for the grace period under way, and those that came after it began.
#pragma once

#include <cstdint>
#include <utility>

#include "kernel/hooks.h"
#include "kernel/mm_life.h"
#include "kernel/rcu.h"

namespace mmscale::kernel {

// Mms one CPU may have waiting. The kernel has no such limit, it has memory; here who reaches it waits.
inline constexpr unsigned kMostRcuCallbacks = 1024;

template <class K>
struct RcuCallbacks {
  using Mm = typename Task<K>::Mm;

  Mm* waiting = nullptr;
  Mm* next = nullptr;
  std::uint64_t cookie = 0;
  unsigned count = 0;
};

// Frees what a grace period has passed for, and starts the next one.
template <class K>
void rcu_advance(typename K::Machine& m, Cpu<K>& cpu, RcuCallbacks<K>& callbacks) {
  if (callbacks.waiting != nullptr) {
    if (!rcu::poll<K>(m, cpu, callbacks.cookie)) return;
    for (auto* mm = std::exchange(callbacks.waiting, nullptr); mm != nullptr; --callbacks.count) {
      auto* following = mm->next_free;
      free_mm<K>(m, cpu, mm);
      mm = following;
    }
  }
  if (callbacks.next == nullptr) return;
  callbacks.waiting = std::exchange(callbacks.next, nullptr);
  callbacks.cookie = rcu::start_poll<K>(m, cpu);
}

// rcu_barrier() for this CPU's callbacks.
template <class K>
void rcu_barrier(typename K::Machine& m, Cpu<K>& cpu, RcuCallbacks<K>& callbacks) {
  for (rcu_advance<K>(m, cpu, callbacks); callbacks.waiting != nullptr; rcu_advance<K>(m, cpu, callbacks))
    rcu::wait<K>(m, cpu, callbacks.cookie);
}

// call_rcu(&mm->delayed_drop, ...). From task context, interrupts on.
template <class K>
void call_rcu_free(typename K::Machine& m, Cpu<K>& cpu, RcuCallbacks<K>& callbacks,
                   typename Task<K>::Mm* mm) {
  mm->next_free = callbacks.next;
  callbacks.next = mm;
  if (++callbacks.count >= kMostRcuCallbacks)
    rcu_barrier<K>(m, cpu, callbacks);
  else
    rcu_advance<K>(m, cpu, callbacks);
}

}  // namespace mmscale::kernel
