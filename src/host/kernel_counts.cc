// SPDX-License-Identifier: MIT
#include "host/kernel_counts.h"

#include <fmt/format.h>

#include "machine/silicon/clock.h"
#include "measure/interrupts.h"
#include "measure/text_file.h"

namespace mmscale::host {
namespace {

namespace fs = std::filesystem;
using measure::line_value;
using measure::next_word;
using measure::read_line;
using measure::read_text;
using measure::tasks_in;
using measure::to_integer;

// Nothing for a task that has gone meanwhile.
std::optional<TaskCounts> read_task(pid_t process, const fs::path& directory) {
  const auto status = read_text(directory / "status");
  if (!status) return std::nullopt;
  const auto voluntary = line_value(*status, "voluntary_ctxt_switches:");
  const auto involuntary = line_value(*status, "nonvoluntary_ctxt_switches:");
  if (!voluntary || !involuntary) return std::nullopt;
  TaskCounts counts{.process = process, .switches = *voluntary + *involuntary, .run_ns = {}, .cpu = {}};
  if (const auto schedstat = read_line(directory / "schedstat")) {
    std::string_view text = *schedstat;
    counts.run_ns = to_integer(next_word(text));
  }
  if (const auto stat = read_text(directory / "stat")) {
    constexpr int kProcessor = 39;
    counts.kernel_thread =
        (measure::stat_field(*stat, measure::kStatFlags).value_or(0) & measure::kKernelThread) != 0;
    if (const auto cpu = measure::stat_field(*stat, kProcessor); cpu && *cpu >= 0)
      counts.cpu = static_cast<unsigned>(*cpu);
  }
  return counts;
}

void read_tasks(const fs::path& proc, KernelCounts& counts) {
  // Kernel threads are in no container's /proc, and hidden where it is mounted with hidepid.
  if (read_line(proc / "2/comm") != "kthreadd")
    counts.tasks_missing = "not every task is to be seen in /proc: a container, or mounted with hidepid";
  for (const pid_t process : tasks_in(proc))
    for (const pid_t task : tasks_in(proc / fmt::format("{}/task", process))) {
      if (counts.tasks.size() >= kMostTasks) {
        counts.tasks.clear();
        counts.tasks_missing = fmt::format("more than {} tasks on this machine", kMostTasks);
        return;
      }
      if (const auto read = read_task(process, proc / fmt::format("{}/task/{}", process, task)))
        counts.tasks.emplace(task, *read);
    }
}

void read_idle(std::span<const unsigned> cpus, const fs::path& root, KernelCounts& counts) {
  constexpr std::int64_t kNsPerUs = 1000;
  for (const unsigned cpu : cpus) {
    const fs::path states = root / fmt::format("sys/devices/system/cpu/cpu{}/cpuidle", cpu);
    for (std::size_t i = 0;; ++i) {
      const fs::path state = states / fmt::format("state{}", i);
      const auto name = read_line(state / "name");
      const auto usage = read_line(state / "usage");
      const auto time = read_line(state / "time");
      if (!name || !usage || !time) break;
      if (counts.idle.size() <= i) counts.idle.push_back({*name, 0, 0});
      counts.idle[i].entries += to_integer(*usage).value_or(0);
      counts.idle[i].time_ns += to_integer(*time).value_or(0) * kNsPerUs;
    }
  }
  if (counts.idle.empty()) counts.idle_missing = "no cpuidle states in /sys/devices/system/cpu";
}

}  // namespace

std::vector<IpiRow> parse_interrupts(std::string_view text, std::span<const unsigned> cpus) {
  std::vector<IpiRow> rows;
  for (const measure::InterruptRow& row : measure::parse_interrupts(text, cpus))
    if (const auto kind = measure::ipi_kind(row.description)) {
      rows.push_back({row.name, *kind});
      for (const auto& count : row.counts) rows.back().count += count.value_or(0);
    }
  return rows;
}

KernelCounts read_kernel_counts(std::span<const unsigned> cpus, const fs::path& root) {
  KernelCounts counts;
  const fs::path proc = root / "proc";
  counts.time_ns = static_cast<std::int64_t>(machine::silicon::now_ns());
  read_tasks(proc, counts);
  if (const auto text = read_text(proc / "interrupts")) counts.ipis = parse_interrupts(*text, cpus);
  if (counts.ipis.empty())
    counts.ipis_missing = "no row of /proc/interrupts is known as an inter-processor one";
  read_idle(cpus, root, counts);
  if (const auto text = read_text(proc / "stat")) {
    counts.switches = line_value(*text, "ctxt");
    counts.forks = line_value(*text, "processes");
  }
  return counts;
}

std::string idle_driver(const fs::path& root) {
  const fs::path directory = root / "sys/devices/system/cpu/cpuidle";
  const auto driver = read_line(directory / "current_driver");
  auto governor = read_line(directory / "current_governor");
  if (!governor) governor = read_line(directory / "current_governor_ro");
  if (!driver || *driver == "none") return "unavailable (no cpuidle driver)";
  return fmt::format("{}, governor {}", *driver, governor.value_or("unknown"));
}

}  // namespace mmscale::host
