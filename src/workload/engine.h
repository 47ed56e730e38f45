// SPDX-License-Identifier: MIT
//
// The engine: one emulated system, and the loop that takes its CPUs through their programs. The same in every world;
// docs/fast-path.md shows what run_steps compiles to on silicon.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernel/context_switch.h"
#include "kernel/cpu.h"
#include "kernel/exit.h"
#include "kernel/irq.h"
#include "kernel/lazy.h"
#include "kernel/mm_life.h"
#include "machine/machine.h"
#include "workload/audit.h"
#include "workload/program.h"

namespace mmscale::workload {

template <class K>
class Engine {
 public:
  using Machine = typename K::Machine;
  using Cpu = kernel::Cpu<K>;
  using Task = kernel::Task<K>;
  using Mm = typename Task::Mm;
  template <class T>
  using Atomic = typename Machine::template Atomic<T>;

  // Bytes of memory the mms of a program need.
  static std::size_t memory_bytes(const Program& program) {
    return kernel::MmSlab<K>::bytes(static_cast<unsigned>(program.cpus.size()), program.max_live_mms);
  }

  // `program` and `memory` must outlive the engine; `memory` aligned to a line.
  Engine(const Program& program, std::span<std::byte> memory, kernel::Rules rules = {})
      : program_(program),
        system_(static_cast<unsigned>(program.cpus.size()), memory, rules),
        locals_(program.cpus.size()),
        tasks_(program.tasks.size()),
        processes_(program.processes) {
    for (const TaskSpec& task : program.tasks)
      if (task.process != TaskSpec::kKernelThread) ++processes_[task.process].threads;
  }

  // First on each CPU, from its own thread: its per-CPU area, its tasks and its steps, all first touched here.
  void boot(Machine& m) {
    locals_[m.cpu()] = std::make_unique<Local>(m, system_);
    Local& local = *locals_[m.cpu()];
    std::size_t own = 0;
    for (const TaskSpec& spec : program_.tasks) own += spec.cpu == m.cpu();
    local.tasks = std::vector<Task>(own);
    own = 0;
    for (std::size_t t = 0; t < program_.tasks.size(); ++t)
      if (program_.tasks[t].cpu == m.cpu()) tasks_[t] = &local.tasks[own++];
    for (const Step& step : program_.cpus[m.cpu()].steps) {
      Task* task = step.op == Op::switch_to ? tasks_[step.operand] : &local.cpu.idle;
      local.steps.push_back({step.op == Op::idle ? Op::switch_to : step.op, step.operand, task});
    }
    rendezvous(m);
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
    return run_steps(m, local, local.steps.data(), local.steps.data() + local.steps.size(), rounds);
  }

  // The same for the steps from `first` to before `last` alone.
  bool run_part(Machine& m, std::uint32_t first, std::uint32_t last, std::uint64_t times) {
    Local& local = *locals_[m.cpu()];
    return run_steps(m, local, local.steps.data() + first, local.steps.data() + last, times);
  }

  // Every await_birth ends, and no process is born any more.
  void stop(Machine& m) {
    for (Process& process : processes_) m.fetch_or(process.births, kStopped, std::memory_order_release);
  }

  // Ends the run: every task still alive exits on its CPU, every CPU goes to init_mm, what was postponed is freed. The
  // CPUs serve each other's IPIs until all are done.
  void finish(Machine& m) {
    Local& local = *locals_[m.cpu()];
    rendezvous(m);
    for (Task& task : local.tasks) {
      if (task.mm == nullptr) continue;
      if (m.load(local.cpu.curr, std::memory_order_relaxed) != &task) kernel::schedule<K>(m, local.cpu, task);
      kernel::do_exit<K>(m, local.cpu);
    }
    Task* curr = m.load(local.cpu.curr, std::memory_order_relaxed);
    if (curr != &local.cpu.idle) kernel::schedule<K>(m, local.cpu, local.cpu.idle);
    rendezvous(m);
    Mm* borrowed = m.load(local.cpu.idle.active_mm, std::memory_order_relaxed);
    if (borrowed != &system_.init_mm) kernel::unlazy<K>(m, local.cpu, borrowed);
    rendezvous(m);
    kernel::hooks::drain<K>(m, local.cpu);
    rendezvous(m);
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

  // After finish on all CPUs: the sums that must hold whatever the scheme (audit.h). `m` is any CPU's machine; `queued`
  // what the machines say they queued for other CPUs.
  std::vector<std::string> audit(Machine& m, std::uint64_t queued) {
    using enum std::memory_order;
    Books books;
    for (unsigned cpu = 0; cpu < locals_.size(); ++cpu) {
      books.sum += locals_[cpu]->cpu.tally;
      if (m.load(locals_[cpu]->cpu.idle.active_mm, relaxed) != &system_.init_mm) books.still_lazy.push_back(cpu);
    }
    books.queued = queued;
    books.counted = K::Scheme::kCounted;
    books.init_mm_count = m.load(system_.init_mm.mm_count, relaxed);
    books.findings = system_.oracle.findings();
    books.violations = system_.oracle.count();
    return mismatches(books, static_cast<unsigned>(locals_.size()));
  }

 private:
  // births: how often the process was born, and whether no more will be.
  static constexpr std::uint64_t kStopped = std::uint64_t{1} << 63;

  struct BoundStep {
    Op op;
    std::uint32_t operand;
    Task* task;
  };

  struct alignas(machine::kApart) Process {
    Atomic<std::uint64_t> births{0};
    std::int32_t threads = 0;
    std::vector<Task*> tasks;
  };

  // What one CPU owns, allocated by its own thread.
  struct Local {
    Local(Machine& m, kernel::System<K>& system) : cpu(m, system) {}
    Cpu cpu;
    std::vector<Task> tasks;
    std::vector<BoundStep> steps;
    // Births of its process that this CPU has lived through.
    std::uint64_t lives = 0;
  };

  // The measured loop. The steps are data, so one loop runs every workload; their pattern is short and fixed, so the
  // branches on it predict.
  __attribute__((noinline)) bool run_steps(Machine& m, Local& local, const BoundStep* begin, const BoundStep* end,
                                           std::uint64_t rounds) {
    for (; rounds != 0; --rounds) {
      for (const BoundStep* step = begin; step != end; ++step) {
        if (step->op == Op::switch_to) [[likely]]
          kernel::context_switch<K>(m, local.cpu, *step->task);
        else if (!run_rare_step(m, local, *step))
          return false;
      }
    }
    return true;
  }

  MMSCALE_COLD bool run_rare_step(Machine& m, Local& local, const BoundStep& step) {
    switch (step.op) {
      case Op::think:
        m.think(step.operand);
        break;
      case Op::exit:
        exit_current(m, local, processes_[step.operand]);
        break;
      case Op::await_birth:
        return await_birth(m, local, processes_[step.operand]);
      case Op::switch_to:
      case Op::idle:
        break;
    }
    return true;
  }

  // The current task dies; the last thread of a process makes the next one.
  void exit_current(Machine& m, Local& local, Process& process) {
    if (kernel::do_exit<K>(m, local.cpu)) bear(m, local.cpu, process);
  }

  // Idles until this CPU's process lives a life that it has not lived yet. Acquire (in spin_until) pairs with bear's
  // release: the tasks' new mm is seen.
  bool await_birth(Machine& m, Local& local, Process& process) {
    m.spin_until(process.births, [&local](std::uint64_t births) {
      return (births & kStopped) != 0 || births > local.lives;
    });
    const std::uint64_t births = m.load(process.births, std::memory_order_relaxed);
    if ((births & kStopped) != 0) return false;
    ++local.lives;
    return true;
  }

  // fork and clone: a new mm with all of its process' threads, none of them running. A thread of the previous life may
  // still be on its way out of a CPU: on_cpu says when it is gone.
  void bear(Machine& m, Cpu& cpu, Process& process) {
    using enum std::memory_order;
    if ((m.load(process.births, relaxed) & kStopped) != 0) return;
    Mm* mm = kernel::mm_alloc<K>(m, cpu, process.threads);
    if (mm == nullptr) {
      kernel::report<K>(m, cpu, kernel::Violation::leak, "fork: out of mms, more are held than can be alive");
      stop(m);
      return;
    }
    for (Task* task : process.tasks) {
      m.spin_until(task->on_cpu, [](std::uint32_t on_cpu) { return on_cpu == 0; });
      task->mm = mm;
      m.store(task->active_mm, mm, relaxed);
    }
    m.fetch_add(process.births, 1, release);
  }

  const Program& program_;
  kernel::System<K> system_;
  std::vector<std::unique_ptr<Local>> locals_;
  std::vector<Task*> tasks_;
  std::vector<Process> processes_;
  alignas(machine::kApart) Atomic<std::uint64_t> arrivals_{0};
};

}  // namespace mmscale::workload
