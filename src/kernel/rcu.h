// SPDX-License-Identifier: MIT
//
// RCU (kernel/rcu), as far as schemes need it: freeing an mm after a grace period. A grace period has passed
// when every CPU has been seen in a quiescent state after it began: in a context switch, in idle, or in user
// code.
//
// A Machine may bring the service itself (machine.h: RcuService; on silicon it is liburcu). For the others it
// is made here of one counter per CPU, with the same meaning: odd while the CPU is in the kernel, and changed
// by every quiescent state. Only schemes that say kUsesRcu have anything to do with it.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "kernel/build.h"
#include "kernel/state.h"
#include "machine/machine.h"

namespace mmscale::kernel {

// The model's share of the per-CPU area.
template <class M>
struct RcuModel {
  // Written by this CPU only: + 1 into and out of idle, + 2 in between. Starts in idle.
  alignas(machine::kApart) Atomic<M, std::uint64_t> quiescent{0};
  // What everybody's counter was when the grace period began that this CPU waits for, and how many it has
  // seen move. As long as there are CPUs, from boot on.
  std::vector<std::uint64_t> began;
  std::size_t seen = 0;
  std::uint64_t cookie = 0;
};

// Whether RCU is made here.
template <class M>
inline constexpr bool kHasRcuModel = !machine::RcuService<M>;

template <class M>
using RcuState = std::conditional_t<kHasRcuModel<M>, RcuModel<M>, Nothing>;

namespace rcu {

template <class M>
void bump(M& m, Cpu<M>& cpu, std::uint64_t by) {
  using enum std::memory_order;
  m.store(cpu.rcu.quiescent, m.load(cpu.rcu.quiescent, relaxed) + by, release);
}

// The CPU begins and ceases to exist for RCU, from its own thread. It starts in idle.
template <class M>
void online(M& m, Cpu<M>& cpu) {
  if constexpr (machine::RcuService<M>) {
    if (!cpu.system->scheme.uses_rcu) return;
    m.rcu_online();
    m.rcu_idle_enter();
  }
}
template <class M>
void offline(M& m, Cpu<M>& cpu) {
  if constexpr (machine::RcuService<M>)
    if (cpu.system->scheme.uses_rcu) m.rcu_offline();
}

// rcu_note_context_switch(): __schedule is a quiescent state, whatever is switched to.
template <class Path, class M>
MMSCALE_INLINE void note_context_switch(M& m, Cpu<M>& cpu) {
  if (!Path::scheme(cpu).uses_rcu) return;
  if constexpr (machine::RcuService<M>)
    m.rcu_note_context_switch();
  else
    bump(m, cpu, 2);
}

// ct_idle_enter() ... ct_idle_exit(), and the same for user code: one long quiescent state.
template <class M>
class Idle {
 public:
  Idle(M& m, Cpu<M>& cpu) : m_(m), cpu_(cpu) { enter(m_, cpu_); }
  ~Idle() { leave(m_, cpu_); }
  Idle(const Idle&) = delete;
  Idle& operator=(const Idle&) = delete;

  static void enter(M& m, Cpu<M>& cpu) {
    if (!cpu.system->scheme.uses_rcu) return;
    if constexpr (machine::RcuService<M>)
      m.rcu_idle_enter();
    else
      bump(m, cpu, 1);
  }
  static void leave(M& m, Cpu<M>& cpu) {
    if (!cpu.system->scheme.uses_rcu) return;
    if constexpr (machine::RcuService<M>)
      m.rcu_idle_exit();
    else
      bump(m, cpu, 1);
  }

 private:
  M& m_;
  Cpu<M>& cpu_;
};

// The opposite: the kernel runs, between two stays in idle.
template <class M>
class Busy {
 public:
  Busy(M& m, Cpu<M>& cpu) : m_(m), cpu_(cpu) { Idle<M>::leave(m, cpu); }
  ~Busy() { Idle<M>::enter(m_, cpu_); }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  M& m_;
  Cpu<M>& cpu_;
};

// Whether CPU `other` was in idle when its counter was `then`, or has passed a quiescent state since.
constexpr bool has_quiesced(std::uint64_t then, std::uint64_t now) { return then % 2 == 0 || then != now; }

// start_poll_synchronize_rcu(): a cookie for a grace period that begins now. One at a time per CPU.
template <class M>
std::uint64_t start_poll(M& m, Cpu<M>& cpu) {
  if constexpr (machine::RcuService<M>) {
    return m.start_poll_synchronize_rcu();
  } else {
    cpu.rcu.seen = 0;
    for (unsigned c = 0; c < m.cpus(); ++c)
      cpu.rcu.began[c] = m.load(cpu.system->cpus[c]->rcu.quiescent, std::memory_order_acquire);
    return ++cpu.rcu.cookie;
  }
}

// poll_state_synchronize_rcu(): whether that grace period has passed.
template <class M>
bool poll(M& m, Cpu<M>& cpu, std::uint64_t cookie) {
  if constexpr (machine::RcuService<M>) {
    return m.poll_state_synchronize_rcu(cookie);
  } else {
    for (std::size_t& c = cpu.rcu.seen; c < m.cpus(); ++c)
      if (!has_quiesced(cpu.rcu.began[c],
                        m.load(cpu.system->cpus[c]->rcu.quiescent, std::memory_order_acquire)))
        return false;
    return true;
  }
}

// cond_synchronize_rcu(): waits for it, taking interrupts; idle meanwhile, or two that wait would wait for
// each other.
template <class M>
void wait(M& m, Cpu<M>& cpu, std::uint64_t cookie) {
  Idle<M> idle(m, cpu);
  if constexpr (machine::RcuService<M>) {
    m.cond_synchronize_rcu(cookie);
  } else {
    for (std::size_t& c = cpu.rcu.seen; c < m.cpus(); ++c)
      m.spin_until(cpu.system->cpus[c]->rcu.quiescent,
                   [then = cpu.rcu.began[c]](std::uint64_t now) { return has_quiesced(then, now); });
  }
}

}  // namespace rcu
}  // namespace mmscale::kernel
