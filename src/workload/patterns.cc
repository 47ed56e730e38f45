// SPDX-License-Identifier: MIT
#include "workload/patterns.h"

#include <algorithm>
#include <array>
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
    program_.idle_exit_ns = parameters.idle_exit_ns;
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

// user -> idle -> user: the published experiment, as many threads as CPUs and every switch through idle. With more
// threads than CPUs user -> user -> ... -> idle, and a borrow is one switch of so many.
Program idle(const PatternParameters& parameters) {
  Builder b(parameters, 1);
  for (std::uint32_t cpu = 0; cpu < b.cpus(); ++cpu) {
    b.run_queue(cpu);
    b.idle(cpu);
  }
  return b.finish();
}

// user -> kernel -> kernel -> user: a softirq or workqueue thread on the way into idle. The borrow changes
// hands once, which costs no scheme anything.
Program kthread(const PatternParameters& parameters) {
  Builder b(parameters, 1);
  for (std::uint32_t cpu = 0; cpu < b.cpus(); ++cpu) {
    b.run_queue(cpu);
    b.switch_to(cpu, b.kernel_thread(cpu));
    b.idle(cpu);
  }
  return b.finish();
}

// user -> user: two threads of one mm, then one of another. No lazy borrow anywhere: no scheme should cost a
// thing.
Program user(const PatternParameters& parameters) {
  Builder b(parameters, 2);
  for (std::uint32_t cpu = 0; cpu < b.cpus(); ++cpu) {
    b.switch_to(cpu, b.user_task(cpu, 0));
    b.switch_to(cpu, b.user_task(cpu, 0));
    b.switch_to(cpu, b.user_task(cpu, 1));
  }
  return b.finish();
}

// user -> idle -> user ... until every thread has made `lifetime` switches, then exit. The CPUs whose threads
// are gone idle on, lazy on the dead mm, until the last thread's exit bears the next process: what a
// multithreaded program leaves behind when it ends.
Program exit(const PatternParameters& parameters) {
  Builder b(parameters, 1);
  for (std::uint32_t cpu = 0; cpu < b.cpus(); ++cpu) {
    const std::uint32_t task = b.user_task(cpu);
    b.step(cpu, {Op::await_birth, b.process(cpu)});
    b.run_and_sleep(cpu, task, parameters.lifetime);
    b.exit(cpu, b.process(cpu));
  }
  Program program = b.finish();
  // A CPU holds on to at most the mm it borrows while its group's process is alive again.
  program.max_live_mms = program.processes + static_cast<std::uint32_t>(program.cpus.size());
  return program;
}

// A user thread hands work to a kernel thread that does it in the user's address space (vhost, io_uring's
// SQPOLL): lazy when it starts, a user of the mm while it works, lazy again after.
Program aio(const PatternParameters& parameters) {
  Builder b(parameters, 1);
  for (std::uint32_t cpu = 0; cpu < b.cpus(); ++cpu) {
    const std::uint32_t user = b.user_task(cpu);
    const std::uint32_t worker = b.kernel_thread(cpu);
    b.switch_to(cpu, user);
    b.step(cpu, {Op::switch_to, worker});
    b.step(cpu, {Op::serve, user});
    if (parameters.think != 0) b.step(cpu, {Op::think, parameters.think});
    b.step(cpu, {Op::served});
    b.idle(cpu);
  }
  return b.finish();
}

// A single-threaded process that execs every `lifetime` switches, and each time a kernel thread that becomes
// a user program (call_usermodehelper), sleeps once and ends.
Program exec(const PatternParameters& parameters) {
  Builder b(parameters);
  for (std::uint32_t cpu = 0; cpu < b.cpus(); ++cpu) {
    const std::uint32_t task = b.user_task(cpu);
    const std::uint32_t helper = b.kernel_thread(cpu);
    b.run_and_sleep(cpu, task, parameters.lifetime);
    b.step(cpu, {Op::exec});
    b.step(cpu, {Op::switch_to, helper});
    b.step(cpu, {Op::exec});
    b.idle(cpu);
    b.switch_to(cpu, helper);
    b.exit(cpu);
  }
  Program program = b.finish();
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
  Builder b(parameters, 1);
  for (std::uint32_t cpu = 0; cpu < b.cpus(); ++cpu) {
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
  }
  return b.finish();
}

// exit, on a machine whose CPUs, all but the first, go offline and come back after each life.
Program hotplug(const PatternParameters& parameters) {
  Program program = exit(parameters);
  for (std::uint32_t cpu = 1; cpu < program.cpus.size(); ++cpu)
    program.cpus[cpu].steps.push_back({Op::replug});
  return program;
}

// What Pattern says of few.
struct Traits {
  bool single_threaded = false, interrupts = false;
};
constexpr Pattern pattern(std::string_view name, std::string_view what, std::string_view round,
                          Program (*build)(const PatternParameters&), Traits of = {}) {
  return {name, what, round, build, of.single_threaded, of.interrupts};
}

constexpr std::array kPatterns = {
    pattern("idle", "user -> idle -> user", "user -> idle -> user", idle),
    pattern("kthread", "user -> kernel thread -> idle -> user", "user -> kernel -> kernel -> user", kthread),
    pattern("user", "user -> user in the same mm -> user in another mm", "three user -> user switches", user),
    pattern("exit", "processes of one thread per CPU live for --lifetime switches, die and are born again",
            "life of a process", exit, {.interrupts = true}),
    pattern("aio", "user -> kernel thread that works in the user's mm -> idle -> user", "request", aio),
    pattern("exec", "single-threaded processes exec every --lifetime switches, and a usermode helper runs",
            "exec and helper", exec, {.single_threaded = true}),
    pattern("build",
            "single-threaded processes live for --lifetime switches; one in --migrate-every changes its CPU",
            "--migrate-every processes", build, {.single_threaded = true, .interrupts = true}),
    pattern("server",
            "one big mm; every --lifetime switches a short-lived thread ends and memory is unmapped",
            "life of a thread", server, {.interrupts = true}),
    pattern("hotplug", "exit, and every CPU but the first goes offline and comes back after each life",
            "life of a process", hotplug, {.interrupts = true}),
};

constexpr std::string_view kFamiliesPage = "docs/families.md", kLifecyclesPage = "docs/lifecycles.md",
                           kCostsPage = "docs/costs.md";

constexpr ProcessOption setting(ProcessOption::Member member, std::string_view name, std::string_view key,
                                std::string_view page, std::string_view help, ProcessOption::Few few = {}) {
  return {member, name, key, page, help, few};
}
constexpr ProcessOption kProcessOptions[] = {
    setting(&PatternParameters::think, "--think", "think_cycles", kFamiliesPage,
            "Ticks of the CPU's counter (TSC) that every task runs before it is switched away"),
    setting(&PatternParameters::page_tables, "--no-page-tables", "page_tables", kLifecyclesPage,
            "The processes have no page tables, so that nothing is flushed when they die"),
    setting(&PatternParameters::deep_idle, "--deep-idle", "deep_idle", kLifecyclesPage,
            "Idle CPUs enter a state that loses the TLB"),
    setting(
        &PatternParameters::death_ticks, "--death-ticks", "death_ticks", kFamiliesPage,
        "exit, build, hotplug, mix: ticks of the CPU's counter (TSC) that a death and the next birth take "
        "besides",
        {.workloads = "exit,build,hotplug", .left_out = true}),
    setting(&PatternParameters::tasks_per_cpu, "--tasks-per-cpu", "tasks_per_cpu", kFamiliesPage,
            "idle, kthread: user tasks that run in turn on each CPU before it idles",
            {.workloads = "idle,kthread",
             .unused = 1,
             .left_out = true,
             .least = 1,
             .most = 1000,
             .families = "switch"}),
    setting(&PatternParameters::nohz_every, "--nohz", "nohz_every", kCostsPage,
            "One idle period in so many stops the tick and ends with a busy one, which write words of the "
            "whole machine",
            {.left_out = true, .least = 1}),
    setting(&PatternParameters::registered, "--registered", "registered", kCostsPage,
            "The processes have registered for membarrier(2)", {.left_out = true}),
    setting(
        &PatternParameters::lifetime, "--lifetime", "lifetime", kFamiliesPage,
        "exit, exec, build, server, hotplug: switches per CPU in a process', program's or thread's life",
        {.workloads = "exit,exec,build,server,hotplug", .left_out = true, .least = 2, .families = "switch"}),
    setting(&PatternParameters::migrate_every, "--migrate-every", "migrate_every", kFamiliesPage,
            "build: one process of so many changes its CPU; 0: none",
            {.workloads = "build", .left_out = true, .families = "switch"}),
};

bool is_among(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (list.substr(0, end) == name) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

}  // namespace

std::span<const ProcessOption> process_options() { return kProcessOptions; }

PatternParameters Pattern::used_of(PatternParameters asked) const {
  for (const ProcessOption& option : kProcessOptions)
    if (!option.few.workloads.empty() && !is_among(option.few.workloads, name))
      std::visit([&](auto member) { asked.*member = option.few.unused; }, option.member);
  if (!interrupts) asked.idle_exit_ns = 0;
  return asked;
}

std::span<const Pattern> patterns() { return kPatterns; }

const Pattern* find_pattern(std::string_view name) {
  for (const Pattern& pattern : kPatterns)
    if (pattern.name == name) return &pattern;
  return nullptr;
}

}  // namespace mmscale::workload
