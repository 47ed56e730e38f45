// SPDX-License-Identifier: MIT
#include "workload/patterns.h"

#include <algorithm>
#include <array>

namespace mmscale::workload {
namespace {

// Writes the steps of one CPU and the tasks they need.
class Builder {
 public:
  Builder(const PatternParameters& parameters, unsigned processes_per_group)
      : parameters_(parameters), processes_per_group_(processes_per_group) {
    const unsigned groups =
        parameters.groups.empty() ? 0 : *std::max_element(parameters.groups.begin(), parameters.groups.end()) + 1;
    program_.processes = groups * processes_per_group;
    program_.max_live_mms = program_.processes;
    program_.cpus.resize(parameters.groups.size());
  }

  std::uint32_t cpus() const { return static_cast<std::uint32_t>(program_.cpus.size()); }

  // Process number `which` of the CPU's group.
  std::uint32_t process(std::uint32_t cpu, unsigned which = 0) const {
    return parameters_.groups[cpu] * processes_per_group_ + which;
  }

  std::uint32_t user_task(std::uint32_t cpu, unsigned which = 0) { return add_task({cpu, process(cpu, which)}); }
  std::uint32_t kernel_thread(std::uint32_t cpu) { return add_task({cpu, TaskSpec::kKernelThread}); }

  void switch_to(std::uint32_t cpu, std::uint32_t task) {
    step(cpu, {Op::switch_to, task});
    if (parameters_.think != 0) step(cpu, {Op::think, parameters_.think});
  }
  void idle(std::uint32_t cpu) {
    step(cpu, {Op::idle});
    if (parameters_.think != 0) step(cpu, {Op::think, parameters_.think});
  }
  void step(std::uint32_t cpu, Step s) { program_.cpus[cpu].steps.push_back(s); }

  Program finish() {
    for (CpuProgram& cpu : program_.cpus) cpu.switches = count_switches(cpu.steps);
    return std::move(program_);
  }

 private:
  std::uint32_t add_task(TaskSpec task) {
    program_.tasks.push_back(task);
    return static_cast<std::uint32_t>(program_.tasks.size() - 1);
  }

  const PatternParameters& parameters_;
  unsigned processes_per_group_;
  Program program_;
};

// user -> idle -> user: the published experiment, as many threads as CPUs and every switch through idle.
Program idle(const PatternParameters& parameters) {
  Builder b(parameters, 1);
  for (std::uint32_t cpu = 0; cpu < b.cpus(); ++cpu) {
    b.switch_to(cpu, b.user_task(cpu));
    b.idle(cpu);
  }
  return b.finish();
}

// user -> kernel -> kernel -> user: a softirq or workqueue thread on the way into idle. The borrow changes hands once,
// which costs no scheme anything.
Program kthread(const PatternParameters& parameters) {
  Builder b(parameters, 1);
  for (std::uint32_t cpu = 0; cpu < b.cpus(); ++cpu) {
    b.switch_to(cpu, b.user_task(cpu));
    b.switch_to(cpu, b.kernel_thread(cpu));
    b.idle(cpu);
  }
  return b.finish();
}

// user -> user: two threads of one mm, then one of another. No lazy borrow anywhere: no scheme should cost a thing.
Program user(const PatternParameters& parameters) {
  Builder b(parameters, 2);
  for (std::uint32_t cpu = 0; cpu < b.cpus(); ++cpu) {
    b.switch_to(cpu, b.user_task(cpu, 0));
    b.switch_to(cpu, b.user_task(cpu, 0));
    b.switch_to(cpu, b.user_task(cpu, 1));
  }
  return b.finish();
}

// user -> idle -> user ... until every thread has made `lifetime` switches, then exit. The CPUs whose threads are gone
// idle on, lazy on the dead mm, until the last thread's exit bears the next process: what a multithreaded program
// leaves behind when it ends.
Program exit(const PatternParameters& parameters) {
  Builder b(parameters, 1);
  for (std::uint32_t cpu = 0; cpu < b.cpus(); ++cpu) {
    const std::uint32_t task = b.user_task(cpu);
    b.step(cpu, {Op::await_birth, b.process(cpu)});
    for (std::uint32_t made = 0; made + 2 < parameters.lifetime; made += 2) {
      b.switch_to(cpu, task);
      b.idle(cpu);
    }
    b.switch_to(cpu, task);
    b.step(cpu, {Op::exit, b.process(cpu)});
  }
  Program program = b.finish();
  // A CPU holds on to at most the mm it borrows while its group's process is alive again.
  program.max_live_mms = program.processes + static_cast<std::uint32_t>(program.cpus.size());
  return program;
}

constexpr std::array<Pattern, 4> kPatterns = {{
    {"idle", "user -> idle -> user", "user -> idle -> user", idle},
    {"kthread", "user -> kernel thread -> idle -> user", "user -> kernel -> kernel -> user", kthread},
    {"user", "user -> user in the same mm -> user in another mm", "three user -> user switches", user},
    {"exit", "processes of one thread per CPU live for --lifetime switches, die and are born again",
     "life of a process", exit},
}};

}  // namespace

std::span<const Pattern> patterns() { return kPatterns; }

const Pattern* find_pattern(std::string_view name) {
  for (const Pattern& pattern : kPatterns)
    if (pattern.name == name) return &pattern;
  return nullptr;
}

}  // namespace mmscale::workload
