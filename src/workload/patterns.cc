// SPDX-License-Identifier: MIT
#include "workload/patterns.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace mmscale::workload {
namespace {

// Writes the steps of one CPU and the tasks they need.
class Builder {
 public:
  // Processes that share: so many for each group of CPUs.
  Builder(const PatternParameters& parameters, unsigned processes_per_group)
      : Builder(parameters, {parameters.groups.begin(), parameters.groups.end()}, processes_per_group) {}

  // Single-threaded: a process for each CPU.
  explicit Builder(const PatternParameters& parameters)
      : Builder(parameters, one_group_per_cpu(parameters.groups.size()), 1) {}

  Builder(const PatternParameters& parameters, std::vector<unsigned> group_of, unsigned processes_per_group)
      : parameters_(parameters), group_of_(std::move(group_of)), processes_per_group_(processes_per_group) {
    const unsigned groups = group_of_.empty() ? 0 : *std::max_element(group_of_.begin(), group_of_.end()) + 1;
    program_.processes = groups * processes_per_group;
    program_.max_live_mms = program_.processes;
    program_.page_tables = parameters.page_tables;
    program_.death_ticks = parameters.death_ticks;
    program_.idle_exit_ns =
        static_cast<std::uint32_t>(parameters.idle_exit.value_or(std::chrono::nanoseconds(0)).count());
    program_.registered = parameters.registered;
    program_.cpus.resize(parameters.groups.size());
  }

  std::uint32_t cpus() const { return static_cast<std::uint32_t>(program_.cpus.size()); }

  // Process number `which` of the CPU's group.
  std::uint32_t process(std::uint32_t cpu, unsigned which = 0) const {
    return group_of_[cpu] * processes_per_group_ + which;
  }

  std::uint32_t user_task(std::uint32_t cpu, unsigned which = 0) {
    return add_task({cpu, process(cpu, which)});
  }
  std::uint32_t kernel_thread(std::uint32_t cpu) { return add_task({cpu, TaskSpec::kKernelThread}); }

  void switch_to(std::uint32_t cpu, std::uint32_t task) {
    step(cpu, {Op::switch_to, task});
    if (parameters_.think != 0) step(cpu, {Op::think, parameters_.think});
  }
  void idle(std::uint32_t cpu) {
    step(cpu, {Op::idle});
    if (parameters_.deep_idle) step(cpu, {Op::deep_idle});
    if (parameters_.think != 0) step(cpu, {Op::think, parameters_.think});
  }
  void step(std::uint32_t cpu, Step s) { program_.cpus[cpu].steps.push_back(s); }
  // The current task dies; idle follows.
  void exit(std::uint32_t cpu, std::uint32_t process = Step::kNobody) {
    step(cpu, {Op::exit, process});
    if (parameters_.deep_idle) step(cpu, {Op::deep_idle});
  }
  // Everybody in the CPU's run queue, in turn.
  void run_queue(std::uint32_t cpu) {
    for (std::uint32_t task = 0; task < parameters_.tasks_per_cpu; ++task) switch_to(cpu, user_task(cpu));
  }
  // task -> idle -> task ..., `switches` in all, the last of them to the task.
  void run_and_sleep(std::uint32_t cpu, std::uint32_t task, std::uint32_t switches) {
    for (std::uint32_t made = 0; made + 2 < switches; made += 2) {
      switch_to(cpu, task);
      idle(cpu);
    }
    switch_to(cpu, task);
  }

  Program finish() {
    for (CpuProgram& cpu : program_.cpus) {
      cpu.switches = count_switches(cpu.steps);
      if (parameters_.nohz_every != 0) add_ticks(cpu.steps);
    }
    return std::move(program_);
  }

 private:
  std::uint32_t add_task(TaskSpec task) {
    program_.tasks.push_back(task);
    return static_cast<std::uint32_t>(program_.tasks.size() - 1);
  }

  // Behind each step to idle one at which the tick may stop; behind the next switch, a busy one.
  void add_ticks(std::vector<Step>& steps) const {
    const auto idles = [](const Step& step) { return step.op == Op::idle || step.op == Op::exit; };
    const auto switches = [&](const Step& step) { return step.op == Op::switch_to || idles(step); };
    // The first step comes behind the last.
    const auto last = std::find_if(steps.rbegin(), steps.rend(), switches);
    bool was_idle = last != steps.rend() && idles(*last);
    std::vector<Step> with;
    for (const Step& step : steps) {
      with.push_back(step);
      if (!switches(step)) continue;
      if (idles(step))
        with.push_back({Op::stop_tick, parameters_.nohz_every});
      else if (was_idle)
        with.push_back({Op::busy_tick});
      was_idle = idles(step);
    }
    steps = std::move(with);
  }

  static std::vector<unsigned> one_group_per_cpu(std::size_t cpus) {
    std::vector<unsigned> groups(cpus);
    std::iota(groups.begin(), groups.end(), 0u);
    return groups;
  }

  const PatternParameters& parameters_;
  std::vector<unsigned> group_of_;
  unsigned processes_per_group_;
  Program program_;
};

template <class Steps>
Program on_each_cpu(Builder&& b, Steps steps) {
  for (std::uint32_t cpu = 0; cpu < b.cpus(); ++cpu) steps(b, cpu);
  return b.finish();
}

// user -> idle -> user: the published experiment, as many threads as CPUs and every switch through idle. With more
// threads than CPUs user -> user -> ... -> idle, and a borrow is one switch of so many.
Program idle(const PatternParameters& parameters) {
  return on_each_cpu(Builder(parameters, 1), [](Builder& b, std::uint32_t cpu) {
    b.run_queue(cpu);
    b.idle(cpu);
  });
}

// user -> kernel -> kernel -> user: a softirq or workqueue thread on the way into idle. The borrow changes
// hands once, which costs no scheme anything.
Program kthread(const PatternParameters& parameters) {
  return on_each_cpu(Builder(parameters, 1), [](Builder& b, std::uint32_t cpu) {
    b.run_queue(cpu);
    b.switch_to(cpu, b.kernel_thread(cpu));
    b.idle(cpu);
  });
}

// user -> user: two threads of one mm, then one of another. No lazy borrow anywhere: no scheme should cost a
// thing.
Program user(const PatternParameters& parameters) {
  return on_each_cpu(Builder(parameters, 2), [](Builder& b, std::uint32_t cpu) {
    b.switch_to(cpu, b.user_task(cpu, 0));
    b.switch_to(cpu, b.user_task(cpu, 0));
    b.switch_to(cpu, b.user_task(cpu, 1));
  });
}

// user -> idle -> user ... until every thread has made `lifetime` switches, then exit. The CPUs whose threads
// are gone idle on, lazy on the dead mm, until the last thread's exit bears the next process: what a
// multithreaded program leaves behind when it ends.
Program exit(const PatternParameters& parameters) {
  Program program = on_each_cpu(Builder(parameters, 1), [&](Builder& b, std::uint32_t cpu) {
    const std::uint32_t task = b.user_task(cpu);
    b.step(cpu, {Op::await_birth, b.process(cpu)});
    b.run_and_sleep(cpu, task, parameters.lifetime);
    b.exit(cpu, b.process(cpu));
  });
  // A CPU holds on to at most the mm it borrows while its group's process is alive again.
  program.max_live_mms = program.processes + static_cast<std::uint32_t>(program.cpus.size());
  return program;
}

// A user thread hands work to a kernel thread that does it in the user's address space (vhost, io_uring's
// SQPOLL): lazy when it starts, a user of the mm while it works, lazy again after.
Program aio(const PatternParameters& parameters) {
  return on_each_cpu(Builder(parameters, 1), [&](Builder& b, std::uint32_t cpu) {
    const std::uint32_t user = b.user_task(cpu);
    const std::uint32_t worker = b.kernel_thread(cpu);
    b.switch_to(cpu, user);
    b.step(cpu, {Op::switch_to, worker});
    b.step(cpu, {Op::serve, user});
    if (parameters.think != 0) b.step(cpu, {Op::think, parameters.think});
    b.step(cpu, {Op::served});
    b.idle(cpu);
  });
}

// A single-threaded process that execs every `lifetime` switches, and each time a kernel thread that becomes
// a user program (call_usermodehelper), sleeps once and ends.
Program exec(const PatternParameters& parameters) {
  Program program = on_each_cpu(Builder(parameters), [&](Builder& b, std::uint32_t cpu) {
    const std::uint32_t task = b.user_task(cpu);
    const std::uint32_t helper = b.kernel_thread(cpu);
    b.run_and_sleep(cpu, task, parameters.lifetime);
    b.step(cpu, {Op::exec});
    b.step(cpu, {Op::switch_to, helper});
    b.step(cpu, {Op::exec});
    b.idle(cpu);
    b.switch_to(cpu, helper);
    b.exit(cpu);
  });
  // Of each CPU: the process before and after its exec, the helper, the mm that the CPU borrows.
  program.max_live_mms = 4 * static_cast<std::uint32_t>(program.cpus.size());
  return program;
}

// A kernel compile: single-threaded processes that live for `lifetime` switches, give memory back once and
// die, one after the other on every CPU. One of `migrate_every` moves to the next CPU in the middle of its
// life, so that its first CPU may be lazy on its mm when it dies; and once a pass somebody who looks on (ps,
// in /proc/pid) lets go of the struct after the process is dead.
Program build(const PatternParameters& parameters) {
  Builder b(parameters);
  const std::uint32_t cpus = b.cpus();
  std::vector<std::uint32_t> tasks;
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) tasks.push_back(b.user_task(cpu));
  const auto end_of_life = [&](std::uint32_t cpu, std::uint32_t process) {
    b.step(cpu, {Op::flush_tables});
    b.exit(cpu, process);
  };
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    const std::uint32_t onlooker = b.kernel_thread(cpu);
    b.step(cpu, {Op::await_birth, b.process(cpu)});
    b.run_and_sleep(cpu, tasks[cpu], parameters.lifetime);
    b.step(cpu, {Op::hold, Step::kNobody});
    end_of_life(cpu, b.process(cpu));
    b.switch_to(cpu, onlooker);
    b.step(cpu, {Op::let_go});
    b.idle(cpu);
    for (std::uint32_t lived = 2; lived < parameters.migrate_every; ++lived) {
      b.step(cpu, {Op::await_birth, b.process(cpu)});
      b.run_and_sleep(cpu, tasks[cpu], parameters.lifetime);
      end_of_life(cpu, b.process(cpu));
    }
    if (parameters.migrate_every == 0 || cpus == 1) continue;
    const std::uint32_t from = (cpu + cpus - 1) % cpus;
    b.step(cpu, {Op::await_birth, b.process(cpu)});
    b.run_and_sleep(cpu, tasks[cpu], parameters.lifetime / 2);
    b.idle(cpu);
    b.step(cpu, {Op::hand_off, tasks[cpu]});
    b.step(cpu, {Op::await_task, tasks[from]});
    b.run_and_sleep(cpu, tasks[from], parameters.lifetime / 2);
    end_of_life(cpu, b.process(from));
  }
  Program program = b.finish();
  // Of each CPU: its process, what it borrows, what it holds the struct of.
  program.max_live_mms = 3 * cpus;
  return program;
}

// One big threaded program: on every CPU a worker that sleeps and wakes, and every `lifetime` switches a
// short-lived thread, whose stack is given back as it ends (glibc's advise_stack_range) and which is made
// anew; then the worker unmaps what the thread had used.
Program server(const PatternParameters& parameters) {
  return on_each_cpu(Builder(parameters, 1), [&](Builder& b, std::uint32_t cpu) {
    const std::uint32_t worker = b.user_task(cpu);
    const std::uint32_t thread = b.user_task(cpu);
    b.run_and_sleep(cpu, worker, parameters.lifetime);
    b.switch_to(cpu, thread);
    b.step(cpu, {Op::flush_pages});
    b.exit(cpu);
    b.switch_to(cpu, worker);
    b.step(cpu, {Op::flush_tables});
    b.step(cpu, {Op::clone, thread});
    b.idle(cpu);
  });
}

// exit, on a machine whose CPUs, all but the first, go offline and come back after each life.
Program hotplug(const PatternParameters& parameters) {
  Program program = exit(parameters);
  for (std::uint32_t cpu = 1; cpu < program.cpus.size(); ++cpu)
    program.cpus[cpu].steps.push_back({Op::replug});
  return program;
}

constexpr bool kSingleThreaded = true;
constexpr Pattern kPatterns[] = {
    {"idle", "user -> idle -> user", "user -> idle -> user", idle},
    {"kthread", "user -> kernel thread -> idle -> user", "user -> kernel -> kernel -> user", kthread},
    {"user", "user -> user in the same mm -> user in another mm", "three user -> user switches", user},
    {"exit", "processes of one thread per CPU live for --lifetime switches, die and are born again",
     "life of a process", exit},
    {"aio", "user -> kernel thread that works in the user's mm -> idle -> user", "request", aio},
    {"exec", "single-threaded processes exec every --lifetime switches, and a usermode helper runs",
     "exec and helper", exec, kSingleThreaded},
    {"build",
     "single-threaded processes live for --lifetime switches; one in --migrate-every changes its CPU",
     "--migrate-every processes", build, kSingleThreaded},
    {"server", "one big mm; every --lifetime switches a short-lived thread ends and memory is unmapped",
     "life of a thread", server},
    {"hotplug", "exit, and every CPU but the first goes offline and comes back after each life",
     "life of a process", hotplug},
};

}  // namespace

std::span<const Pattern> patterns() { return kPatterns; }

const Pattern* find_pattern(std::string_view name) {
  for (const Pattern& pattern : kPatterns)
    if (pattern.name == name) return &pattern;
  return nullptr;
}

}  // namespace mmscale::workload
