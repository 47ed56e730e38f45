// SPDX-License-Identifier: MIT
//
// RCU (kernel/rcu), as far as schemes need it: freeing an mm after a grace period. A grace period has passed
// when every CPU has been seen in a quiescent state after it began: in a context switch, in idle, or in user
// code.
//
// A Machine may bring the service itself (machine.h: RcuService; on silicon it is liburcu). For the others it
// is made here of one counter per CPU, with the same meaning: odd while the CPU is in the kernel, and changed
// by every quiescent state. Compiled in for schemes that say kUsesRcu; for all others nothing of this exists.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "kernel/build.h"
#include "kernel/state.h"
#include "machine/machine.h"

namespace mmscale::kernel {

template <class K>
struct Cpu;

template <class K>
inline constexpr bool kUsesRcu = requires {
  requires K::Scheme::kUsesRcu;
};

// The model's share of the per-CPU area.
template <class K>
struct RcuModel {
  // Written by this CPU only: + 1 into and out of idle, + 2 in between. Starts in idle.
  alignas(machine::kApart) typename K::Machine::template Atomic<std::uint64_t> quiescent{0};
  // What everybody's counter was when the grace period began that this CPU waits for, and how many it has
  // seen move. As long as there are CPUs, from boot on.
  std::vector<std::uint64_t> began;
  std::size_t seen = 0;
  std::uint64_t cookie = 0;
};

// Whether RCU is made here.
template <class K>
inline constexpr bool kHasRcuModel = kUsesRcu<K> && !machine::RcuService<typename K::Machine>;

template <class K>
using RcuState = std::conditional_t<kHasRcuModel<K>, RcuModel<K>, Nothing>;

namespace rcu {

template <class K>
void bump(typename K::Machine& m, Cpu<K>& cpu, std::uint64_t by) {
  using enum std::memory_order;
  m.store(cpu.rcu.quiescent, m.load(cpu.rcu.quiescent, relaxed) + by, release);
}

// The CPU begins and ceases to exist for RCU, from its own thread. It starts in idle.
template <class K>
void online(typename K::Machine& m) {
  if constexpr (kUsesRcu<K> && machine::RcuService<typename K::Machine>) {
    m.rcu_online();
    m.rcu_idle_enter();
  }
}
template <class K>
void offline(typename K::Machine& m) {
  if constexpr (kUsesRcu<K> && machine::RcuService<typename K::Machine>) m.rcu_offline();
}

// rcu_note_context_switch(): __schedule is a quiescent state, whatever is switched to.
template <class K>
MMSCALE_INLINE void note_context_switch(typename K::Machine& m, Cpu<K>& cpu) {
  if constexpr (!kUsesRcu<K>)
    return;
  else if constexpr (machine::RcuService<typename K::Machine>)
    m.rcu_note_context_switch();
  else
    bump<K>(m, cpu, 2);
}

// ct_idle_enter() ... ct_idle_exit(), and the same for user code: one long quiescent state.
template <class K>
class Idle {
 public:
  Idle(typename K::Machine& m, Cpu<K>& cpu) : m_(m), cpu_(cpu) { enter(m_, cpu_); }
  ~Idle() { leave(m_, cpu_); }
  Idle(const Idle&) = delete;
  Idle& operator=(const Idle&) = delete;

  static void enter(typename K::Machine& m, Cpu<K>& cpu) {
    if constexpr (!kUsesRcu<K>)
      return;
    else if constexpr (machine::RcuService<typename K::Machine>)
      m.rcu_idle_enter();
    else
      bump<K>(m, cpu, 1);
  }
  static void leave(typename K::Machine& m, Cpu<K>& cpu) {
    if constexpr (!kUsesRcu<K>)
      return;
    else if constexpr (machine::RcuService<typename K::Machine>)
      m.rcu_idle_exit();
    else
      bump<K>(m, cpu, 1);
  }

 private:
  typename K::Machine& m_;
  Cpu<K>& cpu_;
};

// The opposite: the kernel runs, between two stays in idle.
template <class K>
class Busy {
 public:
  Busy(typename K::Machine& m, Cpu<K>& cpu) : m_(m), cpu_(cpu) { Idle<K>::leave(m, cpu); }
  ~Busy() {
    if constexpr (!kUsesRcu<K>)
      return;
    else if constexpr (machine::RcuService<typename K::Machine>)
      m_.rcu_idle_enter();
    else
      bump<K>(m_, cpu_, 1);
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  typename K::Machine& m_;
  Cpu<K>& cpu_;
};

// Whether CPU `other` was in idle when its counter was `then`, or has passed a quiescent state since.
constexpr bool has_quiesced(std::uint64_t then, std::uint64_t now) { return then % 2 == 0 || then != now; }

// start_poll_synchronize_rcu(): a cookie for a grace period that begins now. One at a time per CPU.
template <class K>
std::uint64_t start_poll(typename K::Machine& m, Cpu<K>& cpu) {
  if constexpr (machine::RcuService<typename K::Machine>) {
    return m.start_poll_synchronize_rcu();
  } else {
    cpu.rcu.seen = 0;
    for (unsigned c = 0; c < m.cpus(); ++c)
      cpu.rcu.began[c] = m.load(cpu.system->cpus[c]->rcu.quiescent, std::memory_order_acquire);
    return ++cpu.rcu.cookie;
  }
}

// poll_state_synchronize_rcu(): whether that grace period has passed.
template <class K>
bool poll(typename K::Machine& m, Cpu<K>& cpu, std::uint64_t cookie) {
  if constexpr (machine::RcuService<typename K::Machine>) {
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
template <class K>
void wait(typename K::Machine& m, Cpu<K>& cpu, std::uint64_t cookie) {
  Idle<K> idle(m, cpu);
  if constexpr (machine::RcuService<typename K::Machine>) {
    m.cond_synchronize_rcu(cookie);
  } else {
    for (std::size_t& c = cpu.rcu.seen; c < m.cpus(); ++c)
      m.spin_until(cpu.system->cpus[c]->rcu.quiescent,
                   [then = cpu.rcu.began[c]](std::uint64_t now) { return has_quiesced(then, now); });
  }
}

}  // namespace rcu
}  // namespace mmscale::kernel
