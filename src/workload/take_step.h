// SPDX-License-Identifier: MIT
//
// What a step does to the emulated kernel: the one interpreter behind the engine's loop (engine.h), replays
// (trace/replay_core.h) and the explorer's cases (check/kernel_program.cc). They add what they have alone: who waits for
// whom, what is counted, what is timed.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "kernel/context_switch.h"
#include "kernel/cpu.h"
#include "kernel/efi.h"
#include "kernel/exec.h"
#include "kernel/exit.h"
#include "kernel/hotplug.h"
#include "kernel/idle.h"
#include "kernel/kthread.h"
#include "kernel/lazy.h"
#include "kernel/mm_life.h"
#include "kernel/nohz.h"
#include "kernel/tlb.h"
#include "workload/program.h"
#include "workload/run_steps.h"

namespace mmscale::workload {

// What a CPU's steps hold on to between them.
template <class M>
struct Hands {
  // What `hold` pinned, and what `get_user` uses.
  kernel::Mm<M>* held = nullptr;
  kernel::Mm<M>* used = nullptr;
};

template <class M>
kernel::Task<M>& current(M& m, kernel::Cpu<M>& cpu) {
  return *m.load(cpu.curr, std::memory_order_relaxed);
}

// The task, which does not run, is from now on in `mm`; nullptr: it is a kernel thread.
template <class M>
void settle(M& m, kernel::Task<M>& task, kernel::Mm<M>* mm) {
  task.mm.set(m, mm);
  m.store(task.active_mm, mm, std::memory_order_relaxed);
}

// The same, as one more user of `mm`.
template <class M>
void share(M& m, kernel::Task<M>& task, kernel::Mm<M>* mm) {
  if (mm != nullptr) kernel::mmget(m, mm);
  settle(m, task, mm);
}

template <class M>
void await_off_cpu(M& m, const kernel::Task<M>& task) {
  m.spin_until(task.on_cpu, [](std::uint32_t on_cpu) { return on_cpu == 0; });
}

// munmap() or the like: the page tables change, and then they are flushed.
template <class M>
void unmap(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm, kernel::Freed freed) {
  if (mm->exit_flushes == 0) return;
  const std::uint32_t version = kernel::tlb::unmap(m, mm);
  cpu.system->lifecycle.flush_tlb_mm(m, cpu, mm, freed);
  kernel::tlb::flush_returned(m, mm, version);
}

template <class M>
void let_go(M& m, kernel::Cpu<M>& cpu, Hands<M>& hands) {
  if (auto* mm = std::exchange(hands.held, nullptr)) kernel::mmdrop(m, cpu, mm, kernel::Site::mmdrop);
}
template <class M>
void put_user(M& m, kernel::Cpu<M>& cpu, Hands<M>& hands) {
  if (auto* mm = std::exchange(hands.used, nullptr)) kernel::mmput(m, cpu, mm);
}

// Takes `step`. `new_mm()` yields an address space of one user, or nullptr where memory is used up, which it has reported.
// False, and nothing done, for a step that only its caller understands.
template <class M, class NewMm>
bool take_step(M& m, kernel::Cpu<M>& cpu, Hands<M>& hands, const BoundStep<M>& step, NewMm&& new_mm) {
  using kernel::Freed;
  switch (step.op) {
    case Op::run:
      await_off_cpu(m, *step.task);
      [[fallthrough]];
    case Op::switch_to:
    case Op::idle:
      kernel::schedule(m, cpu, *step.task);
      return true;
    case Op::exit:
      kernel::do_exit(m, cpu);
      return true;

    case Op::born:
      settle(m, *step.task, new_mm());
      return true;
    case Op::thread:
      settle<M>(m, *step.task, nullptr);
      return true;
    case Op::clone:
      share(m, *step.task, current(m, cpu).mm.get(m));
      return true;
    case Op::fork: {
      // copy_mm() without CLONE_VM: dup_mmap() write-protects the parent's pages and flushes its TLB
      // (flush_tlb_mm(oldmm), kernel/fork.c), which is where a process of one thread trims its mask. x86's flush_tlb_mm()
      // flushes as if page tables were freed, and so interrupts lazy CPUs, too (arch/x86/include/asm/tlbflush.h).
      auto* const mm = current(m, cpu).mm.get(m);
      auto* const copy = mm != nullptr ? new_mm() : nullptr;
      if (mm != nullptr) cpu.system->lifecycle.flush_tlb_mm(m, cpu, mm, Freed::page_tables);
      settle(m, *step.task, copy);
      return true;
    }
    case Op::exec:
      // execve(): bprm_mm_init(), then the point of no return.
      if (auto* mm = new_mm()) kernel::exec_mmap(m, cpu, mm);
      return true;
    case Op::flush_pages:
      unmap(m, cpu, current(m, cpu).mm.get(m), Freed::pages);
      return true;
    case Op::flush_tables:
      unmap(m, cpu, current(m, cpu).mm.get(m), Freed::page_tables);
      return true;
    case Op::touch:
      kernel::tlb::access(m, cpu, current(m, cpu).mm.get(m), "a user access");
      return true;

    case Op::use_mm:
      kernel::kthread_use_mm(m, cpu, step.task->mm.known());
      return true;
    case Op::unuse_mm:
      kernel::kthread_unuse_mm(m, cpu);
      return true;
    case Op::serve:
      kernel::mmget(m, step.task->mm.known());
      kernel::kthread_use_mm(m, cpu, step.task->mm.known());
      return true;
    case Op::served: {
      auto* const mm = current(m, cpu).mm.get(m);
      kernel::kthread_unuse_mm(m, cpu);
      kernel::mmput(m, cpu, mm);
      return true;
    }
    case Op::hold:
      let_go(m, cpu, hands);
      hands.held = step.operand == Step::kNobody ? current(m, cpu).mm.get(m) : step.task->mm.known();
      kernel::mmgrab(m, cpu, hands.held);
      return true;
    case Op::let_go:
      let_go(m, cpu, hands);
      return true;
    case Op::get_user:
      hands.used = step.task->mm.known();
      kernel::mmget(m, hands.used);
      return true;
    case Op::put_user:
      put_user(m, cpu, hands);
      return true;
    case Op::flush_other:
      unmap(m, cpu, step.task->mm.known(), Freed::pages);
      return true;
    case Op::efi:
      kernel::efi_call(m, cpu);
      return true;

    case Op::deep_idle:
      kernel::enter_deep_idle(m, cpu);
      return true;
    case Op::stop_tick:
      kernel::nohz_balance_enter_idle(m, cpu);
      return true;
    case Op::busy_tick:
      kernel::nohz_balancer_kick(m, cpu);
      return true;
    case Op::tick:
      cpu.system->scheme.drain(m, cpu, kernel::Drain::tick);
      return true;
    case Op::offline:
      kernel::cpu_down(m, cpu);
      return true;
    case Op::replug:
      // cpu_down() and cpu_up(). This thread also runs the controlling CPU's steps.
      kernel::cpu_down(m, cpu);
      m.take_interrupts();
      kernel::finish_cpu(m, cpu, cpu);
      kernel::start_secondary(m, cpu);
      return true;
    default:
      return false;
  }
}

// Ends what the CPU is at: a task with an mm dies, and the CPU idles.
template <class M>
void leave(M& m, kernel::Cpu<M>& cpu) {
  kernel::Task<M>& task = current(m, cpu);
  if (task.mm.get(m) != nullptr)
    kernel::do_exit(m, cpu);
  else if (&task != &cpu.idle)
    kernel::schedule(m, cpu, cpu.idle);
}

// Gives back what the idle CPU borrows.
template <class M>
void go_to_init_mm(M& m, kernel::Cpu<M>& cpu) {
  auto* const borrowed = m.load(cpu.idle.active_mm, std::memory_order_relaxed);
  if (borrowed != &cpu.system->init_mm) kernel::unlazy(m, cpu, borrowed);
}

}  // namespace mmscale::workload
