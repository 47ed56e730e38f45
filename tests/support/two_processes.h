// SPDX-License-Identifier: MIT
//
// CPUs driven by hand with a process that has a thread on each, and another one that does, too.
#pragma once

#include <array>
#include <cstddef>

#include "support/by_hand.h"

namespace mmscale::test {

template <class Scheme, class Lifecycle = kernel::lifecycle::Powerpc, unsigned kCpus = 2>
struct TwoProcesses : ByHand<Scheme, Lifecycle> {
  using Base = ByHand<Scheme, Lifecycle>;
  using Task = typename Base::Task;
  using Mm = typename Base::Mm;

  explicit TwoProcesses(kernel::Rules rules = {})
      : Base(kCpus, 8, rules), mm(bear(threads)), other_mm(bear(others)) {}

  // Every CPU runs its thread of the process; then all but CPU 0 exit and idle, lazy on it.
  void leave_cpu_0_alone() {
    for (unsigned n = 0; n < kCpus; ++n) this->run(n, threads[n]);
    for (unsigned n = 1; n < kCpus; ++n) this->exit(n);
  }
  // CPU `n` goes on to its thread of the other process.
  void move_on(unsigned n) { this->run(n, others[n]); }

  std::array<Task, kCpus> threads, others;
  Mm* mm;
  Mm* other_mm;

 private:
  Mm* bear(std::array<Task, kCpus>& tasks) {
    Mm* born = this->fork({});
    born->mm_users = kCpus;
    for (Task& task : tasks) {
      task.mm = born;
      task.active_mm = born;
    }
    return born;
  }
};

}  // namespace mmscale::test
