// SPDX-License-Identifier: MIT
#include "host/kernel_account.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace mmscale::host {
namespace {

std::string unavailable(const std::string& reason) { return fmt::format("unavailable ({})", reason); }

}  // namespace

std::optional<std::int64_t> KernelAccount::ipis_of(IpiKind kind) const {
  std::optional<std::int64_t> sum;
  for (const IpiRow& row : ipis)
    if (row.kind == kind) sum = sum.value_or(0) + row.count;
  return sum;
}

KernelAccount account(const KernelCounts& before, const KernelCounts& after, std::span<const pid_t> processes,
                      pid_t self, std::span<const unsigned> cpus) {
  KernelAccount result;
  result.elapsed_ns = after.time_ns - before.time_ns;
  const bool all_seen = before.tasks_missing.empty() && after.tasks_missing.empty();
  if (all_seen)
    for (const unsigned cpu : cpus) result.others.push_back({cpu, 0});
  result.kernel_threads = result.others;

  // Below 0 where a task was born while /proc was read: nobody is missing then.
  if (all_seen && before.forks && after.forks)
    result.ended = static_cast<std::int64_t>(before.tasks.size()) + *after.forks - *before.forks -
                   static_cast<std::int64_t>(after.tasks.size());
  // Switches of all tasks between the readings, ours and others' apart.
  struct {
    std::int64_t ours = 0, others = 0;
  } tasks;
  bool timed = true;
  for (const auto& [task, now] : after.tasks) {
    // One that was not there before is new: all that it did, it did meanwhile.
    const auto then = before.tasks.find(task);
    const bool is_new = then == before.tasks.end();
    const std::int64_t switches = now.switches - (is_new ? 0 : then->second.switches);
    if (std::find(processes.begin(), processes.end(), now.process) != processes.end()) {
      tasks.ours += switches;
      continue;
    }
    tasks.others += switches;
    if (now.process == self) continue;
    timed = timed && now.run_ns;
    const std::int64_t run_ns = now.run_ns.value_or(0) - (is_new ? 0 : then->second.run_ns.value_or(0));
    for (std::size_t i = 0; i < result.others.size(); ++i)
      if (now.cpu == result.others[i].cpu) {
        result.others[i].run_ns += run_ns;
        if (now.kernel_thread) result.kernel_threads[i].run_ns += run_ns;
      }
  }
  if (!all_seen)
    result.others_unseen = after.tasks_missing.empty() ? before.tasks_missing : after.tasks_missing;
  else if (!timed)
    result.others_unseen = "not every task's CPU time is to be seen";
  if (!timed) {
    result.others.clear();
    result.kernel_threads.clear();
  }
  result.switches = tasks.ours;

  if (!before.switches || !after.switches) {
    result.idle_missing = "/proc/stat has no ctxt";
  } else if (tasks.ours <= 0) {
    result.idle_missing = all_seen ? "nothing switched" : after.tasks_missing;
  } else {
    const auto idle = static_cast<double>(*after.switches - *before.switches - tasks.ours - tasks.others);
    const auto ours = static_cast<double>(tasks.ours);
    result.idle_share_high = std::clamp(idle / ours, 0.0, 1.0);
    if (all_seen && (!result.ended || *result.ended > 0))
      result.idle_missing =
          fmt::format("{} ended meanwhile, whose switches nobody knows",
                      result.ended ? fmt::format("{} tasks", *result.ended) : "some tasks may have");
    else if (all_seen)
      result.idle_share_low = std::clamp((idle - static_cast<double>(tasks.others)) / ours, 0.0, 1.0);
    else
      result.idle_missing = after.tasks_missing.empty() ? before.tasks_missing : after.tasks_missing;
  }

  result.ipis = after.ipis;
  result.ipis_missing = after.ipis_missing;
  for (IpiRow& row : result.ipis)
    for (const IpiRow& then : before.ipis)
      if (then.name == row.name) row.count -= then.count;
  result.idle_states = after.idle;
  result.idle_states_missing = after.idle_missing;
  for (std::size_t i = 0; i < std::min(before.idle.size(), after.idle.size()); ++i) {
    result.idle_states[i].entries -= before.idle[i].entries;
    result.idle_states[i].time_ns -= before.idle[i].time_ns;
  }
  return result;
}

void report(const KernelAccount& account, double operations, measure::Findings& findings,
            nlohmann::ordered_json details) {
  nlohmann::ordered_json& kernel = details["kernel"];
  findings.put("kernel_elapsed_ns", static_cast<double>(account.elapsed_ns));
  findings.put("kernel_operations", operations);
  findings.put("idle_share_low", account.idle_share_low);
  findings.put("idle_share_high", account.idle_share_high);
  kernel["idle_share"] =
      account.idle_missing.empty()
          ? "context switches of all CPUs less those of every task (/proc/stat, /proc/PID/status)"
          : unavailable(account.idle_missing);

  if (account.ended) findings.put("tasks_ended", std::max(0.0, static_cast<double>(*account.ended)));
  if (account.others.empty()) {
    kernel["others"] = unavailable("not every task's CPU time is to be seen");
  } else if (account.elapsed_ns > 0) {
    const auto most = [&](const std::vector<measure::CpuOthers>& cpus) {
      std::int64_t most_ns = 0;
      for (const measure::CpuOthers& cpu : cpus) most_ns = std::max(most_ns, cpu.run_ns);
      return static_cast<double>(most_ns) / static_cast<double>(account.elapsed_ns);
    };
    findings.put("others_share_max", most(account.others));
    findings.put("kernel_threads_share_max", most(account.kernel_threads));
    kernel["others"] = "CPU time of all other tasks that ran on the CPUs in use (/proc/PID/schedstat)";
  }

  constexpr std::pair<IpiKind, const char*> kKinds[] = {{IpiKind::reschedule, "reschedule"},
                                                        {IpiKind::function_call, "function_call"},
                                                        {IpiKind::tlb, "tlb"},
                                                        {IpiKind::other, "other"}};
  for (const auto& [kind, name] : kKinds)
    if (const auto count = account.ipis_of(kind); count && operations > 0)
      findings.put(fmt::format("{}_ipis_per_operation", name), static_cast<double>(*count) / operations);
  if (account.ipis.empty())
    kernel["interrupts"] = unavailable(account.ipis_missing);
  else
    for (const IpiRow& row : account.ipis) kernel["interrupts"][row.name] = row.count;

  if (account.idle_states.empty()) {
    kernel["idle_states"] = unavailable(account.idle_states_missing);
  } else {
    std::int64_t entries = 0;
    kernel["idle_states"] = nlohmann::ordered_json::array();
    for (const IdleState& state : account.idle_states) {
      entries += state.entries;
      kernel["idle_states"].push_back(
          {{"name", state.name}, {"entries", state.entries}, {"time_ns", state.time_ns}});
    }
    findings.put("idle_entries", static_cast<double>(entries));
  }
  findings.add_details(details);
}

}  // namespace mmscale::host
