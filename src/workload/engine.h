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
#include <vector>

#include "kernel/cpu.h"
#include "kernel/mm_life.h"
#include "machine/machine.h"
#include "workload/close_books.h"
#include "workload/program.h"
#include "workload/rendezvous.h"
#include "workload/run_steps.h"
#include "workload/take_step.h"

namespace mmscale::workload {

// Who times steps, and what schemes do beside them. Called on the CPU's own thread, and only where the hot loop is not.
template <class M>
class Watch {
 public:
  virtual ~Watch() = default;
  void attach(Engine<M>& engine) { engine_ = &engine; }
  // At the end of the CPU's boot.
  virtual void begin(M& m) = 0;
  // Takes a step that is no switch, as Engine::take does.
  virtual bool take(M& m, const BoundStep<M>& step) = 0;
  // Lets the scheme free what it postponed; with a watch, only its steps `tick` and births ask for it.
  virtual void drain(M& m, kernel::Cpu<M>& cpu) = 0;
  // An mm was freed; interrupts are off.
  virtual void freed(M& m, kernel::Mm<M>* mm) = 0;

 protected:
  Engine<M>& engine() { return *engine_; }

 private:
  Engine<M>* engine_ = nullptr;
};

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
    // Births of its process that this CPU has lived through, tasks that it took over, events that it saw.
    std::uint64_t lives = 0;
    std::uint64_t taken_over = 0;
    std::uint64_t seen = 0;
    // Steps at which it could have stopped its tick. CPUs do not begin at the same.
    std::uint64_t idles = 0;
    Hands<M> hands;
  };

  // Bytes of memory the mms of a program need.
  static std::size_t memory_bytes(const kernel::Build<M>& build, const Program& program) {
    const auto cpus = static_cast<unsigned>(program.cpus.size());
    return kernel::MmSlab<M>::bytes(build, cpus,
                                    program.max_live_mms + cpus * build.scheme.held_back_per_cpu);
  }

  // `program` and `memory` must outlive the engine; `memory` aligned to a line. `loop` is the run_steps of a path that
  // fits the build. `watch` outlives the engine; null for none.
  Engine(const kernel::Build<M>& build, const Program& program, std::span<std::byte> memory,
         kernel::Rules rules = {}, Loop<M> loop = run_steps<kernel::ByTable, M>, Watch<M>* watch = nullptr)
      : program_(program),
        loop_(loop),
        watch_(watch),
        system_(build, static_cast<unsigned>(program.cpus.size()), memory, rules),
        locals_(program.cpus.size()),
        tasks_(program.tasks.size()),
        hand_offs_(program.tasks.size()),
        events_(program.signals.size()),
        processes_(program.processes) {
    for (const TaskSpec& task : program.tasks)
      if (task.process != TaskSpec::kKernelThread) ++processes_[task.process].threads;
    for (const CpuProgram& cpu : program.cpus)
      for (const Step& step : cpu.steps)
        if (step.op == Op::bear) processes_[step.operand].born_by_step = true;
    if (watch_ != nullptr) {
      watch_->attach(*this);
      system_.mm_freed = [](void* to, M& m, Mm* mm) { static_cast<Watch<M>*>(to)->freed(m, mm); };
      system_.mm_freed_context = watch_;
    }
  }

  // First on each CPU, from its own thread: its per-CPU area, its tasks and its steps, all first touched
  // here.
  void boot(Machine& m) {
    locals_[m.cpu()] = std::make_unique<Local>(m, system_);
    Local& local = *locals_[m.cpu()];
    local.idles = m.cpu();
    std::size_t own = 0;
    for (const TaskSpec& spec : program_.tasks) own += spec.cpu == m.cpu();
    local.tasks = std::vector<Task>(own);
    own = 0;
    for (std::size_t t = 0; t < program_.tasks.size(); ++t)
      if (program_.tasks[t].cpu == m.cpu()) tasks_[t] = &local.tasks[own++];
    kernel::rcu::online(m, local.cpu);
    rendezvous(m);
    for (const Step& step : program_.cpus[m.cpu()].steps) local.steps.push_back(bind(local, step));
    if (m.cpu() == 0) {
      for (std::size_t t = 0; t < program_.tasks.size(); ++t)
        if (const std::uint32_t p = program_.tasks[t].process; p != TaskSpec::kKernelThread)
          processes_[p].tasks.push_back(tasks_[t]);
      for (Process& process : processes_)
        if (!process.born_by_step) bear(m, local, process);
    }
    rendezvous(m);
    if (const std::vector<Step>& before = program_.cpus[m.cpu()].before; !before.empty()) {
      kernel::rcu::Busy<M> busy(m, local.cpu);
      for (const Step& step : before) take(m, bind(local, step));
    }
    if (watch_ != nullptr) {
      watch_->begin(m);
      rendezvous(m);
    }
  }

  // `rounds` passes over this CPU's steps; false if stop() ended it in an await_birth.
  bool run(Machine& m, std::uint64_t rounds) {
    return run_part(m, 0, static_cast<std::uint32_t>(locals_[m.cpu()]->steps.size()), rounds);
  }

  // The same for the steps from `first` to before `last` alone.
  bool run_part(Machine& m, std::uint32_t first, std::uint32_t last, std::uint64_t rounds) {
    Local& local = *locals_[m.cpu()];
    const BoundStep<M>* const begin = local.steps.data() + first;
    const BoundStep<M>* const end = local.steps.data() + last;
    // Outside of here RCU need not wait for this CPU: neither between two batches nor while the run ends.
    kernel::rcu::Busy<M> busy(m, local.cpu);
    if (system_.scheme.drains && watch_ == nullptr)
      for (; rounds > kRoundsPerTick; rounds -= kRoundsPerTick) {
        if (!loop_(*this, m, local.cpu, begin, end, kRoundsPerTick)) return false;
        system_.scheme.drain(m, local.cpu, kernel::Drain::tick);
      }
    return loop_(*this, m, local.cpu, begin, end, rounds);
  }

  // Every wait of a step ends, and no process is born any more.
  void stop(Machine& m) {
    for (Process& process : processes_) m.fetch_or(process.births.times, kStopped, std::memory_order_release);
    for (auto* events : {&hand_offs_, &events_})
      for (Event& event : *events) m.fetch_or(event.times, kStopped, std::memory_order_release);
  }

  // Ends the run: every task still alive exits on its CPU, every CPU goes to init_mm, what was postponed is
  // freed. The CPUs serve each other's IPIs until all are done.
  void finish(Machine& m) {
    Local& local = *locals_[m.cpu()];
    rendezvous(m);
    exit_all(m, local);
    rendezvous(m);
    go_to_init_mm(m, local.cpu);
    rendezvous(m);
    drain_all(m, local);
    rendezvous(m);
    kernel::rcu::offline(m, local.cpu);
  }

  const kernel::Tally& tally(unsigned cpu) const { return locals_[cpu]->cpu.tally; }
  const kernel::Oracle& oracle() const { return system_.oracle; }

  // After finish on all CPUs: the sums that must hold whatever the scheme (audit.h). `m` is any CPU's
  // machine; `queued` what the machines say they queued for other CPUs.
  std::vector<std::string> audit(Machine& m, std::uint64_t queued) { return close_books(m, system_, queued); }

  // A step of this CPU that is no switch, by way of the watch. False if stop() ended it.
  bool run_rare_step(Machine& m, const BoundStep<M>& step) {
    return watch_ != nullptr ? watch_->take(m, step) : take(m, step);
  }

  // The count that a step waits for to become `least`; what stop() makes of it is more.
  struct Awaited {
    Atomic<std::uint64_t>& times;
    std::uint64_t least;
    bool come(Machine& m) const { return m.load(times, std::memory_order_acquire) >= least; }
  };
  Awaited awaited_by(Machine& m, const BoundStep<M>& step) {
    const Local& local = *locals_[m.cpu()];
    switch (step.op) {
      case Op::await_birth:
        return {processes_[step.operand].births.times, local.lives + 1};
      case Op::await_task:
        return {hand_offs_[step.operand].times, local.taken_over + 1};
      default:
        return {events_[step.operand].times, (local.seen + 1) * program_.signals[step.operand]};
    }
  }

  // For watches: what run_rare_step does without one.
  bool take(Machine& m, const BoundStep<M>& step) { return take(m, *locals_[m.cpu()], step); }
  Local& local(Machine& m) { return *locals_[m.cpu()]; }
  // Which slot of the slab, counted from init_mm's, an mm has.
  std::size_t slot_of(const Mm* mm) const {
    return static_cast<std::size_t>(reinterpret_cast<const std::byte*>(mm) -
                                    reinterpret_cast<const std::byte*>(&system_.init_mm)) /
           Mm::bytes(static_cast<unsigned>(locals_.size()), system_);
  }

 private:
  // In a count of events that CPUs wait for: there will be no more. More than any count.
  static constexpr std::uint64_t kStopped = std::uint64_t{1} << 63;

  struct alignas(machine::kApart) Event {
    Atomic<std::uint64_t> times{0};
  };

  struct alignas(machine::kApart) Process {
    Event births;
    std::int32_t threads = 0;
    bool born_by_step = false;
    std::vector<Task*> tasks;
  };

  BoundStep<M> bind(Local& local, const Step& step) {
    switch (step.op) {
      case Op::idle:
        return {Op::switch_to, step.operand, &local.cpu.idle};
      case Op::switch_to:
      case Op::serve:
      case Op::clone:
      case Op::hand_off:
      case Op::await_task:
        return {step.op, step.operand, tasks_[step.operand]};
      default:
        return {step.op, step.operand, &local.cpu.idle};
    }
  }

  void rendezvous(Machine& m) { rendezvous_.meet(m); }

  void exit_all(Machine& m, Local& local) {
    kernel::rcu::Busy<M> busy(m, local.cpu);
    let_go(m, local.cpu, local.hands);
    put_user(m, local.cpu, local.hands);
    for (Task& task : local.tasks) {
      if (task.mm == nullptr) continue;
      if (&current(m, local.cpu) != &task) kernel::schedule(m, local.cpu, task);
      kernel::do_exit(m, local.cpu);
    }
    leave(m, local.cpu);
  }

  void drain_all(Machine& m, Local& local) {
    kernel::rcu::Busy<M> busy(m, local.cpu);
    system_.scheme.drain(m, local.cpu, kernel::Drain::end);
  }

  // Rounds between two ticks, at which a scheme that defers frees what it can: often against the memory it
  // may hold, seldom against what a tick costs, and nothing to the loop itself.
  static constexpr std::uint64_t kRoundsPerTick = 256;

  bool take(Machine& m, Local& local, const BoundStep<M>& step) {
    switch (step.op) {
      case Op::think:
        outside(m, local, idles(m, local), [&] { m.think(step.operand); });
        break;
      case Op::exit:
        // The last thread of a process makes the next one.
        if (kernel::do_exit(m, local.cpu) && step.operand != Step::kNobody) {
          if (program_.death_ticks != 0) outside(m, local, false, [&] { m.think(program_.death_ticks); });
          bear(m, local, processes_[step.operand]);
        }
        break;
      case Op::bear:
        local.hands.used = bear(m, local, processes_[step.operand], 1);
        return local.hands.used != nullptr;
      case Op::await_birth:
      case Op::await_event:
        return await(m, local, step);
      case Op::await_task:
        return await(m, local, step, step.task);
      case Op::hand_off:
        // try_to_wake_up() on the way to another CPU's runqueue: release hands over what this CPU did to the
        // task.
        m.fetch_add(hand_offs_[step.operand].times, 1, std::memory_order_release);
        break;
      case Op::signal:
        m.fetch_add(events_[step.operand].times, 1, std::memory_order_release);
        break;
      case Op::tick:
        if (system_.scheme.drains) drain(m, local.cpu);
        break;
      case Op::stop_tick:
        if (++local.idles % step.operand != 0) break;
        [[fallthrough]];
      default:
        take_step(m, local.cpu, local.hands, step, [&] { return new_mm(m, local.cpu, 1); });
    }
    return true;
  }

  // Runs `body` with interrupts on, as user code or in idle, where an interrupt may have to end an idle state first. RCU
  // does not wait for this CPU meanwhile.
  template <class Body>
  void outside(Machine& m, Local& local, bool idle, Body&& body) {
    kernel::rcu::Idle<M> quiescent(m, local.cpu);
    if (idle) m.idle_state(program_.idle_exit_ns);
    body();
    if (idle) m.idle_state(0);
  }
  // Whether to care that the CPU idles.
  bool idles(Machine& m, Local& local) const {
    return program_.idle_exit_ns != 0 && &current(m, local.cpu) == &local.cpu.idle;
  }

  // Idles until it has happened. Acquire (in spin_until) pairs with the release of whoever made it happen: a process' tasks
  // are seen with their new mm. `task` was handed off: then, as try_to_wake_up() does, until its old CPU has left its stack.
  bool await(Machine& m, Local& local, const BoundStep<M>& step, Task* task = nullptr) {
    const Awaited awaited = awaited_by(m, step);
    outside(m, local, idles(m, local), [&] {
      m.spin_until(awaited.times, [least = awaited.least](std::uint64_t times) { return times >= least; });
    });
    const std::uint64_t times = m.load(awaited.times, std::memory_order_relaxed);
    // An event that has come counts even then: who made it has measured what it stands for.
    if ((times & kStopped) != 0 && (step.op != Op::await_event || (times & ~kStopped) < awaited.least))
      return false;
    if (task != nullptr) await_off_cpu(m, *task);
    ++(step.op == Op::await_birth ? local.lives : step.op == Op::await_task ? local.taken_over : local.seen);
    return true;
  }

  // fork and clone: a new mm with all of its process' threads, none of them running, and `others` who use it besides. A
  // thread of the previous life may still be on its way out of a CPU: on_cpu says when it is gone. nullptr after stop().
  Mm* bear(Machine& m, Local& local, Process& process, std::int32_t others = 0) {
    using enum std::memory_order;
    if ((m.load(process.births.times, relaxed) & kStopped) != 0) return nullptr;
    Mm* mm = new_mm(m, local.cpu, process.threads + others);
    if (mm == nullptr) return nullptr;
    for (Task* task : process.tasks) {
      await_off_cpu(m, *task);
      settle(m, *task, mm);
    }
    m.fetch_add(process.births.times, 1, release);
    return mm;
  }

  void drain(Machine& m, Cpu& cpu) {
    if (watch_ != nullptr)
      watch_->drain(m, cpu);
    else
      system_.scheme.drain(m, cpu, kernel::Drain::tick);
  }

  // mm_alloc(). A deferring scheme keeps dead mms until other CPUs run; a descheduled vCPU can exhaust the slab, so wait.
  // Running out all the same means that somebody holds more than can be alive.
  Mm* new_mm(Machine& m, Cpu& cpu, std::int32_t users) {
    constexpr std::uint64_t kPatience = 1'000'000'000;  // ns; a preempted vCPU is back after some 10 ms
    Mm* mm = kernel::mm_alloc(m, cpu, users, program_.page_tables);
    if (system_.scheme.drains)
      for (const std::uint64_t start = m.now(); mm == nullptr && m.now() - start < kPatience;) {
        drain(m, cpu);
        m.take_interrupts();
        m.pause();
        mm = kernel::mm_alloc(m, cpu, users, program_.page_tables);
      }
    if (mm == nullptr) {
      kernel::report(m, cpu, kernel::Violation::leak, "out of mms, more are held than can be alive");
      stop(m);
    } else if (program_.registered) {
      m.store(mm->membarrier_state, 1u, std::memory_order_relaxed);
    }
    return mm;
  }

  const Program& program_;
  const Loop<M> loop_;
  Watch<M>* const watch_;
  kernel::System<M> system_;
  std::vector<std::unique_ptr<Local>> locals_;
  std::vector<Task*> tasks_;
  // Of each task: how often it was handed off.
  std::vector<Event> hand_offs_;
  std::vector<Event> events_;
  std::vector<Process> processes_;
  Rendezvous<Atomic<std::uint64_t>> rendezvous_;
};

template <class M>
MMSCALE_COLD bool run_rare_step(Engine<M>& engine, M& m, const BoundStep<M>& step) {
  return engine.run_rare_step(m, step);
}

}  // namespace mmscale::workload
