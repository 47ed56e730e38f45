// SPDX-License-Identifier: MIT
#include "trace/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace mmscale::trace {
namespace {

// Names of kernel threads that are not bound to a CPU: kernel/ and mm/ of 6.12, and what most machines have.
// Wrong guesses are harmless but for a task that exits, and are listed all the same.
constexpr std::string_view kKernelNames[] = {
    "kthreadd",        "rcu_sched",       "rcu_preempt", "rcu_gp",      "rcu_par_gp", "rcu_tasks_kthre",
    "rcu_tasks_trace", "pool_workqueue_", "kswapd",      "kcompactd",   "ksmd",       "khugepaged",
    "oom_reaper",      "kauditd",         "khungtaskd",  "watchdogd",   "kdevtmpfs",  "kintegrityd",
    "writeback",       "khvcd",           "hwrng",       "kworker",     "psimon",     "kthrotld",
    "balloon",         "vballoon",        "netns",       "inet_frag_wq"};

struct Words {
  std::string_view what;
  std::string_view means;
};

constexpr Words kWords[kOddities] = {
    {"events were lost by the tracer", "switches, births and deaths in the gap are missing"},
    {"switches are missing between two events of a CPU",
     "the CPU is taken to switch when the next task shows"},
    {"tasks were switched in while another CPU still ran them",
     "that CPU is taken to have gone idle just before"},
    {"time stamps go back", "the event is taken to happen at the time of the one before"},
    {"forks have no task_newtask beside them, so no clone_flags",
     "taken for threads where a tgid says so, else for processes of their own"},
    {"pids were given out again without an exit in between", "the former task's mm is taken to live on"},
    {"tasks did something after their exit", "it is ignored"},
    {"tasks that died or executed a program had moved just before, preempted: on which CPU is not known",
     "the one of their event; a kernel may have interrupted the other once more, or shot it instead"},
    {"times an mm came back to a CPU that its only thread may have trimmed from its mask by a flush "
     "elsewhere",
     "if it did, a powerpc radix kernel has sent one IPI more each time"},
    {"events were left out by --cpu or --comm", "what they did to mms is missing"},
};

std::string some_names(const std::vector<Origin>& origins, Origin::What what) {
  constexpr std::size_t kSome = 8;
  std::string names;
  std::size_t count = 0;
  for (const Origin& origin : origins) {
    if (origin.recorded || origin.what != what) continue;
    if (++count > kSome) continue;
    names += fmt::format("{}{}-{}", names.empty() ? "" : ", ", origin.comm.view(), origin.pid);
  }
  return count > kSome ? fmt::format("{} and {} more", names, count - kSome) : names;
}

}  // namespace

bool named_like_kernel(std::int32_t pid, std::string_view comm) {
  if (pid == 2) return true;
  if (std::any_of(std::begin(kKernelNames), std::end(kKernelNames),
                  [comm](std::string_view name) { return comm.starts_with(name); }))
    return true;
  // "ksoftirqd/5", "migration/0", "cpuhp/3", "irq/24-nvme0q1", "jbd2/vda1-8": a number or a device behind a
  // slash, which user programs' names (a path's last component) cannot have.
  return comm.find('/') != comm.npos;
}

std::vector<std::string> Facts::explain() const {
  std::vector<std::string> lines;
  const auto guesses = [&](Origin::What what, std::string_view means) {
    const auto count = std::count_if(origins.begin(), origins.end(),
                                     [what](const Origin& o) { return !o.recorded && o.what == what; });
    if (count != 0)
      lines.push_back(fmt::format("{} tasks were there before the trace, {}: {}", count, means,
                                  some_names(origins, what)));
  };
  guesses(Origin::What::kernel, "kernel threads by TASK_IDLE");
  guesses(Origin::What::guess_kernel, "taken for kernel threads by their names");
  guesses(Origin::What::user, "processes by what they forked");
  guesses(Origin::What::guess_user, "of unknown kind, taken for processes of one thread each");
  if (adopted != 0)
    lines.push_back(fmt::format(
        "{} mms are older than the trace; on which CPUs they had been before is not known", adopted));
  std::string queued;
  for (std::size_t i = 1; i < calls.size(); ++i)
    if (calls[i] != 0) queued += fmt::format("{}{} {}", queued.empty() ? "" : ", ", calls[i], kCallNames[i]);
  if (!queued.empty()) lines.push_back("the recorded kernel itself queued for other CPUs: " + queued);
  for (std::size_t i = 0; i < kOddities; ++i)
    if (odd[i].count != 0)
      lines.push_back(fmt::format("{} {} (the first at {:.6f} s, CPU {}, pid {}): {}", odd[i].count,
                                  kWords[i].what, static_cast<double>(odd[i].first_ns) * 1e-9,
                                  odd[i].first_cpu, odd[i].first_pid, kWords[i].means));
  return lines;
}

}  // namespace mmscale::trace
