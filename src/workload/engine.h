// SPDX-License-Identifier: MIT
//
// The engine: one emulated system, and the loop that takes its CPUs through their programs. The same in every
// world; the loop itself is run_steps.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernel/context_switch.h"
#include "kernel/cpu.h"
#include "kernel/exec.h"
#include "kernel/exit.h"
#include "kernel/hotplug.h"
#include "kernel/idle.h"
#include "kernel/irq.h"
#include "kernel/kthread.h"
#include "kernel/lazy.h"
#include "kernel/mm_life.h"
#include "machine/machine.h"
#include "workload/close_books.h"
#include "workload/program.h"
#include "workload/run_steps.h"

namespace mmscale::workload {

template <class M>
class Engine {
 public:
  using Machine = M;
  using Cpu = kernel::Cpu<M>;
  using Task = kernel::Task<M>;
  using Mm = kernel::Mm<M>;
  template <class T>
  using Atomic = kernel::Atomic<M, T>;

  // What one CPU owns, allocated by its own thread.
  struct Local {
    Local(Machine& m, kernel::System<M>& system) : cpu(m, system) {}
    Cpu cpu;
    std::vector<Task> tasks;
    std::vector<BoundStep<M>> steps;
    // Births of its process that this CPU has lived through, and tasks that it took over.
    std::uint64_t lives = 0;
    std::uint64_t taken_over = 0;
    // What grab pinned.
    Mm* held = nullptr;
  };

  // Bytes of memory the mms of a program need.
  static std::size_t memory_bytes(const kernel::Build<M>& build, const Program& program) {
    const auto cpus = static_cast<unsigned>(program.cpus.size());
    return kernel::MmSlab<M>::bytes(build, cpus,
                                    program.max_live_mms + cpus * build.scheme.held_back_per_cpu);
  }

  // `program` and `memory` must outlive the engine; `memory` aligned to a line. `loop` is the run_steps of a path that
  // fits the build.
  Engine(const kernel::Build<M>& build, const Program& program, std::span<std::byte> memory,
         kernel::Rules rules = {}, Loop<M> loop = run_steps<kernel::ByTable, M>)
      : program_(program),
        loop_(loop),
        system_(build, static_cast<unsigned>(program.cpus.size()), memory, rules),
        locals_(program.cpus.size()),
        tasks_(program.tasks.size()),
        hand_offs_(program.tasks.size()),
        processes_(program.processes) {
    for (const TaskSpec& task : program.tasks)
      if (task.process != TaskSpec::kKernelThread) ++processes_[task.process].threads;
  }

  // First on each CPU, from its own thread: its per-CPU area, its tasks and its steps, all first touched
  // here.
  void boot(Machine& m) {
    locals_[m.cpu()] = std::make_unique<Local>(m, system_);
    Local& local = *locals_[m.cpu()];
    std::size_t own = 0;
    for (const TaskSpec& spec : program_.tasks) own += spec.cpu == m.cpu();
    local.tasks = std::vector<Task>(own);
    own = 0;
    for (std::size_t t = 0; t < program_.tasks.size(); ++t)
      if (program_.tasks[t].cpu == m.cpu()) tasks_[t] = &local.tasks[own++];
    kernel::rcu::online(m, local.cpu);
    rendezvous(m);
    for (const Step& step : program_.cpus[m.cpu()].steps) {
      Task* task = names_task(step.op) ? tasks_[step.operand] : &local.cpu.idle;
      local.steps.push_back({step.op == Op::idle ? Op::switch_to : step.op, step.operand, task});
    }
    if (m.cpu() == 0) {
      for (std::size_t t = 0; t < program_.tasks.size(); ++t)
        if (const std::uint32_t p = program_.tasks[t].process; p != TaskSpec::kKernelThread)
          processes_[p].tasks.push_back(tasks_[t]);
      for (Process& process : processes_) bear(m, local.cpu, process);
    }
    rendezvous(m);
  }

  // `rounds` passes over this CPU's steps; false if stop() ended it in an await_birth.
  bool run(Machine& m, std::uint64_t rounds) {
    Local& local = *locals_[m.cpu()];
    return run_and_drain(m, local, local.steps.data(), local.steps.data() + local.steps.size(), rounds);
  }

  // The same for the steps from `first` to before `last` alone.
  bool run_part(Machine& m, std::uint32_t first, std::uint32_t last, std::uint64_t times) {
    Local& local = *locals_[m.cpu()];
    return run_and_drain(m, local, local.steps.data() + first, local.steps.data() + last, times);
  }

  // Every await_birth and await_task ends, and no process is born any more.
  void stop(Machine& m) {
    for (Process& process : processes_) m.fetch_or(process.births, kStopped, std::memory_order_release);
    for (HandOff& hand_off : hand_offs_) m.fetch_or(hand_off.times, kStopped, std::memory_order_release);
  }

  // Ends the run: every task still alive exits on its CPU, every CPU goes to init_mm, what was postponed is
  // freed. The CPUs serve each other's IPIs until all are done.
  void finish(Machine& m) {
    Local& local = *locals_[m.cpu()];
    rendezvous(m);
    exit_all(m, local);
    rendezvous(m);
    Mm* borrowed = m.load(local.cpu.idle.active_mm, std::memory_order_relaxed);
    if (borrowed != &system_.init_mm) kernel::unlazy(m, local.cpu, borrowed);
    rendezvous(m);
    drain_all(m, local);
    rendezvous(m);
    kernel::rcu::offline(m, local.cpu);
  }

  // Waits until all CPUs have called it as often as this one, taking interrupts meanwhile.
  void rendezvous(Machine& m) {
    const std::uint64_t n = m.cpus();
    const std::uint64_t arrival = m.fetch_add(arrivals_, 1, std::memory_order_acq_rel);
    const std::uint64_t all = (arrival / n + 1) * n;
    m.spin_until(arrivals_, [all](std::uint64_t arrivals) { return arrivals >= all; });
  }

  const kernel::Tally& tally(unsigned cpu) const { return locals_[cpu]->cpu.tally; }
  const kernel::Oracle& oracle() const { return system_.oracle; }

  // After finish on all CPUs: the sums that must hold whatever the scheme (audit.h). `m` is any CPU's
  // machine; `queued` what the machines say they queued for other CPUs.
  std::vector<std::string> audit(Machine& m, std::uint64_t queued) { return close_books(m, system_, queued); }

  // A step of this CPU that is no switch. False if stop() ended it.
  bool run_rare_step(Machine& m, const BoundStep<M>& step) { return rare_step(m, *locals_[m.cpu()], step); }

 private:
  // Beside a count of events that CPUs wait for: there will be no more.
  static constexpr std::uint64_t kStopped = std::uint64_t{1} << 63;

  // How often a task was handed off. Its receiver compares with how often it took it over.
  struct alignas(machine::kApart) HandOff {
    Atomic<std::uint64_t> times{0};
  };

  struct alignas(machine::kApart) Process {
    Atomic<std::uint64_t> births{0};
    std::int32_t threads = 0;
    std::vector<Task*> tasks;
  };

  void exit_all(Machine& m, Local& local) {
    kernel::rcu::Busy<M> busy(m, local.cpu);
    drop_held(m, local);
    for (Task& task : local.tasks) {
      if (task.mm == nullptr) continue;
      if (m.load(local.cpu.curr, std::memory_order_relaxed) != &task) kernel::schedule(m, local.cpu, task);
      kernel::do_exit(m, local.cpu);
    }
    Task* curr = m.load(local.cpu.curr, std::memory_order_relaxed);
    if (curr != &local.cpu.idle) kernel::schedule(m, local.cpu, local.cpu.idle);
  }

  void drain_all(Machine& m, Local& local) {
    kernel::rcu::Busy<M> busy(m, local.cpu);
    system_.scheme.drain(m, local.cpu, kernel::Drain::end);
  }

  // Rounds between two ticks, at which a scheme that defers frees what it can: often against the memory it
  // may hold, seldom against what a tick costs, and nothing to the loop itself.
  static constexpr std::uint64_t kRoundsPerTick = 256;

  bool run_and_drain(Machine& m, Local& local, const BoundStep<M>* begin, const BoundStep<M>* end,
                     std::uint64_t rounds) {
    // Outside of here RCU need not wait for this CPU: neither between two batches nor while the run ends.
    kernel::rcu::Busy<M> busy(m, local.cpu);
    if (system_.scheme.drains)
      for (; rounds > kRoundsPerTick; rounds -= kRoundsPerTick) {
        if (!loop_(*this, m, local.cpu, begin, end, kRoundsPerTick)) return false;
        system_.scheme.drain(m, local.cpu, kernel::Drain::tick);
      }
    return loop_(*this, m, local.cpu, begin, end, rounds);
  }

  bool rare_step(Machine& m, Local& local, const BoundStep<M>& step) {
    switch (step.op) {
      case Op::think: {
        kernel::rcu::Idle<M> idle(m, local.cpu);
        m.think(step.operand);
        break;
      }
      case Op::exit:
        exit_current(m, local, step.operand);
        break;
      case Op::await_birth:
        return await_birth(m, local, processes_[step.operand]);
      case Op::use_mm:
        use_mm(m, local, processes_[step.operand]);
        break;
      case Op::unuse_mm:
        unuse_mm(m, local);
        break;
      case Op::exec:
        exec(m, local);
        break;
      case Op::clone:
        clone(m, local, *step.task);
        break;
      case Op::grab:
        drop_held(m, local);
        local.held = current_mm(m, local);
        kernel::mmgrab(m, local.cpu, local.held);
        break;
      case Op::drop:
        drop_held(m, local);
        break;
      case Op::madvise:
        flush(m, local, kernel::Freed::pages);
        break;
      case Op::munmap:
        flush(m, local, kernel::Freed::page_tables);
        break;
      case Op::deep_idle:
        kernel::enter_deep_idle(m, local.cpu);
        break;
      case Op::hand_off:
        // try_to_wake_up() on the way to another CPU's runqueue: release hands over what this CPU did to the
        // task.
        m.fetch_add(hand_offs_[step.operand].times, 1, std::memory_order_release);
        break;
      case Op::await_task:
        return await_task(m, local, hand_offs_[step.operand], *step.task);
      case Op::replug:
        replug(m, local.cpu);
        break;
      case Op::switch_to:
      case Op::idle:
        break;
    }
    return true;
  }

  static constexpr bool names_task(Op op) {
    return op == Op::switch_to || op == Op::clone || op == Op::hand_off || op == Op::await_task;
  }

  Mm* current_mm(Machine& m, Local& local) { return m.load(local.cpu.curr, std::memory_order_relaxed)->mm; }

  // The current task dies; the last thread of a process makes the next one.
  void exit_current(Machine& m, Local& local, std::uint32_t process) {
    if (kernel::do_exit(m, local.cpu) && process != Step::kNobody) bear(m, local.cpu, processes_[process]);
  }

  // What vhost and io_uring do: users of the address space, so that it lives, and then into it.
  void use_mm(Machine& m, Local& local, Process& process) {
    Mm* mm = process.tasks.front()->mm;
    kernel::mmget(m, mm);
    kernel::kthread_use_mm(m, local.cpu, mm);
  }

  void unuse_mm(Machine& m, Local& local) {
    Mm* mm = current_mm(m, local);
    kernel::kthread_unuse_mm(m, local.cpu);
    kernel::mmput(m, local.cpu, mm);
  }

  // execve(): bprm_mm_init(), then the point of no return.
  void exec(Machine& m, Local& local) {
    if (Mm* mm = new_mm(m, local.cpu, 1)) kernel::exec_mmap(m, local.cpu, mm);
  }

  // clone(CLONE_VM) by the current task. `task` died on this CPU.
  void clone(Machine& m, Local& local, Task& task) {
    Mm* mm = current_mm(m, local);
    kernel::mmget(m, mm);
    task.mm = mm;
    m.store(task.active_mm, mm, std::memory_order_relaxed);
  }

  void drop_held(Machine& m, Local& local) {
    if (Mm* mm = std::exchange(local.held, nullptr)) kernel::mmdrop(m, local.cpu, mm, kernel::Site::mmdrop);
  }

  void flush(Machine& m, Local& local, kernel::Freed freed) {
    Mm* mm = current_mm(m, local);
    if (mm->exit_flushes != 0) system_.lifecycle.flush_tlb_mm(m, local.cpu, mm, freed);
  }

  // Waits for the task, and then, as try_to_wake_up() does, until its old CPU has left its stack.
  bool await_task(Machine& m, Local& local, HandOff& hand_off, Task& task) {
    kernel::rcu::Idle<M> idle(m, local.cpu);
    m.spin_until(hand_off.times, [&local](std::uint64_t times) {
      return (times & kStopped) != 0 || times > local.taken_over;
    });
    if ((m.load(hand_off.times, std::memory_order_relaxed) & kStopped) != 0) return false;
    m.spin_until(task.on_cpu, [](std::uint32_t on_cpu) { return on_cpu == 0; });
    ++local.taken_over;
    return true;
  }

  // cpu_down() and cpu_up(). The CPU that gives the orders is this one too: what it does for a dead CPU, the
  // dead CPU's thread does here.
  void replug(Machine& m, Cpu& cpu) {
    kernel::cpu_down(m, cpu);
    m.take_interrupts();
    kernel::finish_cpu(m, cpu, cpu);
    kernel::start_secondary(m, cpu);
  }

  // Idles until this CPU's process lives a life that it has not lived yet. Acquire (in spin_until) pairs with
  // bear's release: the tasks' new mm is seen.
  bool await_birth(Machine& m, Local& local, Process& process) {
    kernel::rcu::Idle<M> idle(m, local.cpu);
    m.spin_until(process.births,
                 [&local](std::uint64_t births) { return (births & kStopped) != 0 || births > local.lives; });
    const std::uint64_t births = m.load(process.births, std::memory_order_relaxed);
    if ((births & kStopped) != 0) return false;
    ++local.lives;
    return true;
  }

  // fork and clone: a new mm with all of its process' threads, none of them running. A thread of the previous
  // life may still be on its way out of a CPU: on_cpu says when it is gone.
  void bear(Machine& m, Cpu& cpu, Process& process) {
    using enum std::memory_order;
    if ((m.load(process.births, relaxed) & kStopped) != 0) return;
    Mm* mm = new_mm(m, cpu, process.threads);
    if (mm == nullptr) return;
    for (Task* task : process.tasks) {
      m.spin_until(task->on_cpu, [](std::uint32_t on_cpu) { return on_cpu == 0; });
      task->mm = mm;
      m.store(task->active_mm, mm, relaxed);
    }
    m.fetch_add(process.births, 1, release);
  }

  // mm_alloc(). Who defers holds mms back for as long as another CPU does not move, which its host may see
  // to: then memory is short, and one waits. Running out all the same means that somebody holds more than can
  // be alive.
  Mm* new_mm(Machine& m, Cpu& cpu, std::int32_t users) {
    constexpr std::uint64_t kPatience = 1'000'000'000;  // ns; a preempted vCPU is back after some 10 ms
    Mm* mm = kernel::mm_alloc(m, cpu, users, program_.page_tables);
    if (system_.scheme.drains)
      for (const std::uint64_t start = m.now(); mm == nullptr && m.now() - start < kPatience;) {
        system_.scheme.drain(m, cpu, kernel::Drain::tick);
        m.take_interrupts();
        m.pause();
        mm = kernel::mm_alloc(m, cpu, users, program_.page_tables);
      }
    if (mm == nullptr) {
      kernel::report(m, cpu, kernel::Violation::leak, "out of mms, more are held than can be alive");
      stop(m);
    }
    return mm;
  }

  const Program& program_;
  const Loop<M> loop_;
  kernel::System<M> system_;
  std::vector<std::unique_ptr<Local>> locals_;
  std::vector<Task*> tasks_;
  std::vector<HandOff> hand_offs_;
  std::vector<Process> processes_;
  alignas(machine::kApart) Atomic<std::uint64_t> arrivals_{0};
};

template <class M>
MMSCALE_COLD bool run_rare_step(Engine<M>& engine, M& m, const BoundStep<M>& step) {
  return engine.run_rare_step(m, step);
}

}  // namespace mmscale::workload
