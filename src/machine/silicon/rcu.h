// SPDX-License-Identifier: MIT
//
// RCU on real CPUs: liburcu's flavour in which readers report quiescent states and cost nothing else (QSBR),
// as the kernel's context switch does. An emulated CPU is one liburcu reader. Callbacks that free are the
// kernel's business and run on emulated CPUs; liburcu's own thread only notes that a grace period has passed.
#pragma once

// MIT is LGPL-compatible, so liburcu's inline fast paths may be used; not where they would be instrumented,
// for they race for a plain futex word on purpose.
#if !defined(_LGPL_SOURCE) && !defined(__SANITIZE_THREAD__)
#define _LGPL_SOURCE  // NOLINT(bugprone-reserved-identifier)
#endif
#include <urcu/urcu-qsbr.h>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

#include <atomic>
#include <cstdint>

#include "machine/machine.h"

namespace mmscale::machine::silicon {

// liburcu is not instrumented. ThreadSanitizer is told what it orders: all before a release of a tag happens
// before all after an acquire of it. Nothing in other builds.
inline void tsan_release([[maybe_unused]] void* tag) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(tag);
#endif
}
inline void tsan_acquire([[maybe_unused]] void* tag) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(tag);
#endif
}

class Rcu {
 public:
  Rcu() = default;
  // Waits for the grace period that is under way.
  ~Rcu();
  Rcu(const Rcu&) = delete;
  Rcu& operator=(const Rcu&) = delete;

  // Starts liburcu's thread, once in a process. It runs where the calling thread may: whoever asked for the first grace
  // period would start it otherwise, and that is a CPU's own thread, beside which it would run for good. Throws
  // std::runtime_error where no thread can be had.
  static void start_thread();

  // From the CPU's own thread, before and after everything else.
  static void online() { urcu_qsbr_register_thread(); }
  static void offline() {
    tsan_release(&quiescence_);
    urcu_qsbr_unregister_thread();
  }

  // Nothing but two loads as long as no grace period has begun since the last one.
  MMSCALE_INLINE static void quiescent_state() {
#if defined(__SANITIZE_THREAD__)
    report_quiescent_state();
#else
    if (CMM_LOAD_SHARED(urcu_qsbr_gp.ctr) != URCU_TLS(urcu_qsbr_reader).ctr) [[unlikely]]
      report_quiescent_state();
#endif
  }
  static void idle_enter() {
    tsan_release(&quiescence_);
    urcu_qsbr_thread_offline();
  }
  static void idle_exit() { urcu_qsbr_thread_online(); }

  // start_poll_synchronize_rcu(): a cookie for a grace period that begins after this call.
  std::uint64_t start_poll();
  // poll_state_synchronize_rcu(): whether it has passed.
  bool poll(std::uint64_t cookie);
  // Cookies up to this one have passed; stored with release by liburcu's thread.
  const std::atomic<std::uint64_t>& completed() const { return completed_; }

 private:
  MMSCALE_COLD static void report_quiescent_state();
  void start(std::uint64_t cookie);
  static void elapsed(rcu_head* head);

  // A tag: readers' accesses happen before what follows the grace period.
  static inline char quiescence_;

  // One request to liburcu at a time; a cookie beyond it is started when it is done.
  rcu_head head_;
  std::uint64_t started_ = 0;
  std::atomic<std::uint64_t> completed_{0};
};

}  // namespace mmscale::machine::silicon
