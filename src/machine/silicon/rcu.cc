// SPDX-License-Identifier: MIT
#include "machine/silicon/rcu.h"

#include <fmt/format.h>

#include <stdexcept>
#include <system_error>
#include <thread>

#include "topology/bind.h"

namespace mmscale::machine::silicon {

void Rcu::start_thread() {
  // liburcu ends the process where it gets no thread. It gets the stack of one that has just been had.
  try {
    std::thread([] {}).join();
  } catch (const std::system_error& error) {
    throw std::runtime_error(
        fmt::format("no thread for liburcu: {}", topology::why_no_thread(error.code().value())));
  }
  urcu_qsbr_get_default_call_rcu_data();
}

Rcu::~Rcu() {
  if (completed_.load(std::memory_order_acquire) != started_) urcu_qsbr_barrier();
}

std::uint64_t Rcu::start_poll() {
  if (completed_.load(std::memory_order_acquire) != started_) return started_ + 1;
  start(started_ + 1);
  return started_;
}

bool Rcu::poll(std::uint64_t cookie) {
  const std::uint64_t completed = completed_.load(std::memory_order_acquire);
  if (completed >= cookie) {
    tsan_acquire(&quiescence_);
    return true;
  }
  if (completed == started_) start(cookie);
  return false;
}

void Rcu::report_quiescent_state() {
  tsan_release(&quiescence_);
  urcu_qsbr_quiescent_state();
}

void Rcu::start(std::uint64_t cookie) {
  started_ = cookie;
  tsan_release(&head_);
  urcu_qsbr_call_rcu(&head_, elapsed);
}

void Rcu::elapsed(rcu_head* head) {
  Rcu* rcu = caa_container_of(head, Rcu, head_);
  tsan_acquire(head);
  // The last access: `rcu` may be gone, or the request made again, once this is seen.
  rcu->completed_.fetch_add(1, std::memory_order_release);
}

}  // namespace mmscale::machine::silicon
