// SPDX-License-Identifier: MIT
//
// The emulated system of a replay, and the loop that takes a CPU through its steps. The same in every world;
// what is written here beside the kernel's functions (who waits for whom) is the harness and costs nothing
// that a world counts.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernel/context_switch.h"
#include "kernel/cpu.h"
#include "kernel/exec.h"
#include "kernel/exit.h"
#include "kernel/nohz.h"
#include "kernel/rcu.h"
#include "measure/histogram.h"
#include "trace/facts.h"
#include "trace/replay.h"
#include "trace/steps.h"
#include "workload/close_books.h"
#include "workload/rendezvous.h"
#include "workload/take_step.h"

namespace mmscale::trace {

// Nobody looks on at a replay.
struct NoWatch {
  void begin(const auto&...) {}
  void end(const auto&...) {}
};

template <class Machine>
class ReplayCore {
 public:
  using Cpu = kernel::Cpu<Machine>;
  using Task = kernel::Task<Machine>;
  using Mm = kernel::Mm<Machine>;

  // How many mms there can be at a time. Who defers may hold every mm that dies for as long as one CPU
  // sleeps: that is bounded by the deaths, and by `most_held`, which is what the memory at hand allows.
  static unsigned most_mms(const kernel::Build<Machine>& build, const Facts& facts, std::uint64_t most_held) {
    std::uint64_t mms = facts.most_alive + facts.cpus.size() + 1;
    if (build.scheme.held_back_per_cpu != 0) mms += std::min(facts.died + 1, most_held);
    return static_cast<unsigned>(std::min<std::uint64_t>(mms, UINT32_MAX / 2));
  }
  static std::size_t memory_bytes(const kernel::Build<Machine>& build, const Facts& facts,
                                  std::uint64_t most_held) {
    return kernel::MmSlab<Machine>::bytes(build, static_cast<unsigned>(facts.cpus.size()),
                                          most_mms(build, facts, most_held));
  }

  // `memory` aligned to a line; it and nothing else must outlive the core.
  ReplayCore(const kernel::Build<Machine>& build, const Facts& facts, std::span<std::byte> memory,
             const ReplaySpec& spec)
      : idle_exit_ns_(static_cast<std::uint32_t>(
            spec.settings.processes.idle_exit.value_or(std::chrono::nanoseconds(0)).count())),
        tick_ns_(spec.settings.nohz_hz == 0 ? UINT64_MAX : 1'000'000'000 / spec.settings.nohz_hz),
        system_(build, static_cast<unsigned>(facts.cpus.size()), memory, spec.settings.rules),
        locals_(facts.cpus.size()),
        reached_(facts.cpus.size()),
        slots_(facts.slots) {}

  // First on each CPU.
  void boot(Machine& m) {
    locals_[m.cpu()] = std::make_unique<Local>(m, system_);
    kernel::rcu::online(m, locals_[m.cpu()]->cpu);
    gather(m);
  }

  // The CPU's part of a chunk. `sleep(ns)` lets the CPU sleep, interrupts on, until so long after the trace's
  // beginning, or does nothing in a world that does not keep the trace's time. `watch`, if not null, looks on at every
  // step (replay_watch.h).
  template <class Sleep, class Watch>
  void run(Machine& m, const Chunk& chunk, Sleep&& sleep, Watch* watch) {
    Local& local = *locals_[m.cpu()];
    kernel::rcu::Busy<Machine> busy(m, local.cpu);
    for (const Step& step : chunk.cpus[m.cpu()]) {
      reached_[m.cpu()].epoch.store(step.epoch, std::memory_order_release);
      begin_rest(m, local, step.when_ns);
      {
        kernel::rcu::Idle<Machine> idle(m, local.cpu);
        sleep(step.when_ns);
      }
      await_order(m, local, step);
      m.idle_state(0);
      if (watch != nullptr) watch->begin(m, local.cpu, step);
      const std::uint64_t begin = m.now();
      const std::uint64_t died = local.deaths;
      execute(m, local, step);
      local.since_ns = step.when_ns;
      const std::uint64_t spent = m.now() - begin;
      local.kernel_ns += spent;
      if (local.deaths != died) local.teardown_ns.record(spent);
      if (watch != nullptr) watch->end(m, local.cpu, step, local.deaths != died);
      if (step.global()) globals_.store(step.epoch + 1, std::memory_order_release);
      if (system_.scheme.drains)
        if (++local.steps % kStepsPerTick == 0) system_.scheme.drain(m, local.cpu, kernel::Drain::tick);
    }
    // Nothing of this CPU is left in this chunk: whatever epoch it ends in may begin without it.
    reached_[m.cpu()].epoch.store(chunk.epoch, std::memory_order_release);
    begin_rest(m, local, chunk.end_ns);
    kernel::rcu::Idle<Machine> idle(m, local.cpu);
    sleep(chunk.end_ns);
    gather(m);
    m.idle_state(0);
  }

  // After the last chunk, before anything is counted: what waits for a grace period is freed, which on real
  // CPUs would else be a matter of time. All other schemes' postponed mms stay as they are.
  void settle(Machine& m) {
    if (system_.scheme.uses_rcu) {
      Local& local = *locals_[m.cpu()];
      {
        kernel::rcu::Busy<Machine> busy(m, local.cpu);
        system_.scheme.drain(m, local.cpu, kernel::Drain::end);
      }
      gather(m);
    }
  }

  // Ends what outlives the trace. The CPUs serve each other's IPIs until all are done.
  void finish(Machine& m) {
    Local& local = *locals_[m.cpu()];
    {
      kernel::rcu::Busy<Machine> busy(m, local.cpu);
      gather(m);
      workload::leave(m, local.cpu);
      gather(m);
      for (std::size_t s = m.cpu(); s < slots_.size(); s += m.cpus()) {
        if (slots_[s].task.mm.known() == nullptr) continue;
        kernel::schedule(m, local.cpu, slots_[s].task);
        kernel::do_exit(m, local.cpu);
      }
      gather(m);
      workload::go_to_init_mm(m, local.cpu);
      gather(m);
      system_.scheme.drain(m, local.cpu, kernel::Drain::end);
    }
    gather(m);
    kernel::rcu::offline(m, local.cpu);
  }

  const kernel::Tally& tally(unsigned cpu) const { return locals_[cpu]->cpu.tally; }
  std::uint64_t switches(unsigned cpu) const { return locals_[cpu]->switches; }
  std::uint64_t kernel_ns(unsigned cpu) const { return locals_[cpu]->kernel_ns; }
  const Task& task(std::uint32_t slot) const { return slots_[slot].task; }
  // Who is told of every mm that is freed (kernel::System).
  void on_freed(void (*freed)(void* context, Machine& m, Mm* mm), void* context) {
    system_.mm_freed = freed;
    system_.mm_freed_context = context;
  }
  const measure::Histogram& teardown_ns(unsigned cpu) const { return locals_[cpu]->teardown_ns; }

  // After finish on all CPUs, on any of them: the sums that must hold (workload/audit.h), and every CPU's
  // switches into tasks against those out of them. `queued`: requests the machines say they queued.
  std::vector<std::string> audit(Machine& m, std::uint64_t queued) {
    auto problems = workload::close_books(m, system_, queued);
    for (unsigned cpu = 0; cpu < locals_.size(); ++cpu) {
      const Local& local = *locals_[cpu];
      const std::uint64_t inside = local.current == Step::kIdle ? 0 : 1;
      if (local.in != local.out + inside)
        problems.push_back("cpu " + std::to_string(cpu) + ": " + std::to_string(local.in) +
                           " switches into tasks, " + std::to_string(local.out) + " out of them");
    }
    if (out_of_mms_.load(std::memory_order_relaxed))
      problems.push_back("out of mms: more are held than there is memory for");
    return problems;
  }

 private:
  static constexpr std::uint64_t kStepsPerTick = 256;
  // Ticks of the CPU's counter between two looks at another CPU's progress.
  static constexpr std::uint64_t kPatience = 50;

  struct alignas(machine::kApart) Slot {
    Task task;
    // How often it was switched away from. Written by the CPU it ran on; release, like on_cpu.
    std::atomic<std::uint32_t> turns{0};
  };
  // The epoch of the step a CPU comes to next.
  struct alignas(machine::kApart) Reached {
    std::atomic<std::uint32_t> epoch{0};
  };
  struct Local {
    Local(Machine& m, kernel::System<Machine>& system) : cpu(m, system) {}
    Cpu cpu;
    workload::Hands<Machine> hands;
    std::uint32_t current = Step::kIdle;
    // When its last step began.
    std::uint64_t since_ns = 0;
    std::uint64_t steps = 0;
    std::uint64_t switches = 0;
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    std::uint64_t deaths = 0;
    std::uint64_t kernel_ns = 0;
    measure::Histogram teardown_ns;
  };

  // The CPU does nothing until `until_ns`. Where it idles, that is a state to be left for an interrupt, and the tick stops if
  // it is longer than one: the governor (drivers/cpuidle) is taken to foresee it.
  void begin_rest(Machine& m, Local& local, std::uint64_t until_ns) {
    if (local.current != Step::kIdle) return;
    m.idle_state(idle_exit_ns_);
    if (until_ns < local.since_ns || until_ns - local.since_ns < tick_ns_) return;
    const std::uint64_t begin = m.now();
    kernel::nohz_balance_enter_idle(m, local.cpu);
    local.kernel_ns += m.now() - begin;
  }

  // Waits, interrupts on, for what only another CPU can bring about. Idle for RCU, or two that wait would
  // wait for each other.
  template <class Done>
  void wait_until(Machine& m, Local& local, Done&& done) {
    if (done()) return;
    kernel::rcu::Idle<Machine> idle(m, local.cpu);
    while (!done()) m.think(kPatience);
  }

  // Until the step's turn has come (steps.h).
  void await_order(Machine& m, Local& local, const Step& step) {
    using enum std::memory_order;
    wait_until(m, local, [&] { return globals_.load(acquire) >= step.epoch; });
    if (step.global())
      for (unsigned cpu = 0; cpu < reached_.size(); ++cpu)
        if (cpu != m.cpu())
          wait_until(m, local, [&] { return reached_[cpu].epoch.load(acquire) > step.epoch; });
    if (step.turns != 0)
      wait_until(m, local, [&] { return slots_[step.slot].turns.load(acquire) >= step.turns; });
  }

  // A CPU that meets others beside the world's clock.
  struct Beside {
    Machine& m;
    unsigned cpus() const { return m.cpus(); }
    std::uint64_t fetch_add(std::atomic<std::uint64_t>& word, std::uint64_t by, std::memory_order order) {
      return word.fetch_add(by, order);
    }
    template <class Done>
    void spin_until(const std::atomic<std::uint64_t>& word, Done&& done) {
      while (!done(word.load(std::memory_order_acquire))) m.think(kPatience);
    }
  };
  void gather(Machine& m) { rendezvous_.meet(Beside{m}); }

  void execute(Machine& m, Local& local, const Step& step) {
    switch (step.op) {
      case Op::switch_to:
        return switch_to(m, local, step.slot);
      case Op::join:
        return workload::share(m, slots_[step.slot].task, slots_[step.other].task.mm.known());
      case Op::exec:
        return exec(m, local);
      case Op::leave_mm:
        local.deaths += kernel::exit_mm(m, local.cpu);
        return;
      default: {
        Task& task = step.slot == Step::kIdle ? local.cpu.idle : slots_[step.slot].task;
        workload::take_step(m, local.cpu, local.hands, {step.op, step.slot, &task},
                            [&] { return new_mm(m, local); });
      }
    }
  }

  void switch_to(Machine& m, Local& local, std::uint32_t slot) {
    kernel::context_switch<kernel::ByTable>(m, local.cpu,
                                            slot == Step::kIdle ? local.cpu.idle : slots_[slot].task);
    ++local.switches;
    if (slot != Step::kIdle) kernel::nohz_balancer_kick(m, local.cpu);
    if (local.current != Step::kIdle) {
      ++local.out;
      auto& turns = slots_[local.current].turns;
      turns.store(turns.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
    if (slot != Step::kIdle) ++local.in;
    local.current = slot;
  }

  void exec(Machine& m, Local& local) {
    Mm* const mm = new_mm(m, local);
    if (mm == nullptr) return;
    Mm* const old = workload::current(m, local.cpu).mm;
    local.deaths += old != nullptr && m.load(old->mm_users, std::memory_order_relaxed) == 1;
    kernel::exec_mmap(m, local.cpu, mm);
  }

  Mm* new_mm(Machine& m, Local& local) {
    Mm* mm = kernel::mm_alloc(m, local.cpu, 1);
    if (system_.scheme.drains)
      if (mm == nullptr) {
        system_.scheme.drain(m, local.cpu, kernel::Drain::tick);
        mm = kernel::mm_alloc(m, local.cpu, 1);
      }
    if (mm == nullptr) out_of_mms_.store(true, std::memory_order_relaxed);
    return mm;
  }

  const std::uint32_t idle_exit_ns_;
  const std::uint64_t tick_ns_;
  kernel::System<Machine> system_;
  std::vector<std::unique_ptr<Local>> locals_;
  std::vector<Reached> reached_;
  std::vector<Slot> slots_;
  std::atomic<bool> out_of_mms_{false};
  // Global steps done.
  alignas(machine::kApart) std::atomic<std::uint32_t> globals_{0};
  workload::Rendezvous<std::atomic<std::uint64_t>> rendezvous_;
};

}  // namespace mmscale::trace
