// SPDX-License-Identifier: MIT
//
// struct task_struct: what of a task a context switch touches.
#pragma once

#include <cstdint>

#include "kernel/mm.h"
#include "machine/machine.h"

namespace mmscale::kernel {

// A user task has mm == active_mm. A kernel thread (the idle task too) has mm == nullptr, and as active_mm
// what it borrowed while it runs, nullptr while it does not. A thread past exit_mm counts as a kernel thread.
template <class M>
struct alignas(machine::kApart) Task {
  // Written by the CPU that runs the task, or by whoever creates its process while on_cpu is clear; read by another CPU
  // in membarrier(2) alone.
  PlainField<M, Mm<M>*> mm{nullptr};
  // Written by the CPU that runs the task, its IPI handlers included; read by others only to check and to
  // filter.
  Atomic<M, Mm<M>*> active_mm{nullptr};
  // Set while some CPU executes on this task's stack (p->on_cpu). Store-released when the switch away is over
  // and load-acquired by whoever takes the task to another CPU: it carries everything the task did.
  Atomic<M, std::uint32_t> on_cpu{0};
  // Concurrency id held while running (mm_cid), with that option on.
  std::uint64_t mm_cid = 0;
};

}  // namespace mmscale::kernel
