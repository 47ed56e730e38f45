// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "campaign/session.h"
#include "host/calls.h"
#include "host/kernel_counts.h"
#include "machine/silicon/pool.h"
#include "measure/atomics.h"
#include "measure/disturbance.h"
#include "measure/environment.h"
#include "measure/hypervisor.h"
#include "measure/interrupts.h"
#include "measure/noise.h"
#include "measure/statistics.h"
#include "measure/text_file.h"
#include "measure/validity.h"
#include "topology/cpu_list.h"
#include "topology/quota.h"
#include "topology/topology.h"

namespace mmscale::cli {
namespace {

// What is wrong, in one line, and the command that changes it; empty where none does.
struct Finding {
  std::string what;
  std::string remedy = {};
};

// CPU time of each task that ran on a CPU of ours between two readings, the most first: "kworker/3:1 (1.2 %)".
std::vector<std::string> who_ran(const host::KernelCounts& before, const host::KernelCounts& after,
                                 unsigned cpu) {
  std::vector<std::pair<std::int64_t, pid_t>> ran;
  for (const auto& [task, counts] : after.tasks) {
    if (counts.cpu != cpu || counts.process == ::getpid()) continue;
    const auto then = before.tasks.find(task);
    const std::int64_t ns =
        counts.run_ns.value_or(0) - (then == before.tasks.end() ? 0 : then->second.run_ns.value_or(0));
    if (ns > 0) ran.emplace_back(ns, task);
  }
  std::sort(ran.rbegin(), ran.rend());
  std::vector<std::string> names;
  const auto elapsed = static_cast<double>(std::max<std::int64_t>(after.time_ns - before.time_ns, 1));
  for (const auto& [ns, task] : ran) {
    if (names.size() == 3) break;
    const auto name = measure::read_line(fmt::format("/proc/{}/comm", task));
    names.push_back(fmt::format("{} ({:.2f} %)", name.value_or(fmt::format("task {}, gone", task)),
                                static_cast<double>(ns) / elapsed * measure::kPercent));
  }
  return names;
}

std::vector<Finding> noisy_cpus(const topology::Topology& topology, std::chrono::nanoseconds length) {
  const std::vector<unsigned> cpus = topology::list(topology.layout(), &topology::Pu::allowed);
  machine::silicon::Pool pool(topology);
  const auto interrupts = [&cpus] {
    return measure::parse_interrupts(measure::read_text("/proc/interrupts").value_or(""), cpus);
  };
  const measure::MachineProbe machine(cpus);
  const host::KernelCounts tasks_before = host::read_kernel_counts(cpus);
  const measure::MachineSnapshot machine_before = machine.snapshot();
  const auto before = interrupts();
  const auto [noise, missing] = measure::look_at_noise(pool, cpus, length);
  const auto after = interrupts();
  const measure::MachineDisturbance disturbance = machine.between(machine_before, machine.snapshot());
  const host::KernelCounts tasks_after = host::read_kernel_counts(cpus);

  fmt::print("{:>5}  {:>8}  {:>9}  {:>10}  {:>8}  {:>8}  {}\n", "CPU", "lost", "gaps/s", "longest", "waited",
             "stolen", "most interrupts per second; most CPU time");
  const double seconds = std::chrono::duration<double>(length).count();
  std::vector<unsigned> noisy;
  for (std::size_t i = 0; i < noise.size(); ++i) {
    const measure::CpuNoise& one = noise[i];
    if (!one.answered()) continue;
    const auto elapsed = static_cast<double>(one.account.elapsed_ns);
    const auto share = [elapsed](std::optional<std::int64_t> ns) {
      return ns ? fmt::format("{:.2f} %", static_cast<double>(*ns) / elapsed * measure::kPercent)
                : std::string("unknown");
    };
    std::vector<std::string> who;
    for (const auto& [name, rate] : measure::busiest(before, after, i, seconds))
      who.push_back(fmt::format("{} {:.0f}", name, rate));
    for (std::string& task : who_ran(tasks_before, tasks_after, one.cpu)) who.push_back(std::move(task));
    const bool is_noisy = one.lost_share() > measure::kMaxError;
    if (is_noisy) noisy.push_back(one.cpu);
    // Of hundreds of CPUs those that matter, and not all where all do.
    if (noise.size() > 32 && (!is_noisy || noisy.size() > 32)) continue;
    fmt::print("{:>5}  {:>7.2f}%  {:>9.0f}  {:>7.0f} us  {:>8}  {:>8}  {}\n", one.cpu,
               one.lost_share() * measure::kPercent, static_cast<double>(one.gaps) / seconds,
               static_cast<double>(one.account.longest_gap_ns) / 1000, share(one.waited_ns),
               share(disturbance.steal[i].stolen_ns), fmt::join(who, "; "));
  }
  std::vector<Finding> findings;
  if (!missing.empty())
    findings.push_back({fmt::format("CPUs that do not answer are not in this table: {}", missing),
                        "stop what holds them; measure on the others (--placement LIST)"});
  if (noisy.size() == noise.size() && !noise.empty())
    findings.push_back({fmt::format("all {} CPUs lose more than {:g} % of their time", noise.size(),
                                    measure::kMaxError * measure::kPercent),
                        "stop what else runs here; in a virtual machine, look at its host"});
  else if (!noisy.empty())
    findings.push_back(
        {fmt::format("CPU {}: more than {:g} % of the time lost", topology::format_cpu_list(noisy, 12),
                     measure::kMaxError * measure::kPercent),
         "measure on the others (--placement LIST), or at boot: irqaffinity=, isolcpus=, nohz_full="});
  if (!tasks_after.tasks_missing.empty())
    findings.push_back({fmt::format("who else runs is not to be seen: {}", tasks_after.tasks_missing)});
  return findings;
}

std::vector<Finding> settings(const topology::Topology& topology) {
  const measure::Environment environment = measure::read_environment();
  const auto setting = [](const char* path) { return measure::read_line(path); };
  std::vector<Finding> findings;
  const auto find = [&findings](std::string what, std::string remedy = {}) {
    findings.push_back({std::move(what), std::move(remedy)});
  };
  if (!measure::emulator().empty())
    find(
        fmt::format("the CPUs are emulated ({}): no time measured here means anything", measure::emulator()));
#if defined(__aarch64__)
  if (measure::kAtomics == "LL/SC" && (getauxval(AT_HWCAP) & HWCAP_ATOMICS) != 0)
    find("built without the CPUs' atomic instructions (LSE), which the kernel uses",
         "cmake --preset release -DCMAKE_CXX_FLAGS=-march=armv8.1-a");
#endif
  if (environment["hypervisor"] != "none")
    find(fmt::format("hypervisor: {}; what it takes may not show", environment["hypervisor"]));
  if (environment["frequency"] != "fixed")
    find(fmt::format("clock: {} ({})", environment["frequency"], environment["frequency_detail"]),
         environment["governor"] == "unknown" ? "" : "cpupower frequency-set -g performance");
  if (setting("/sys/devices/system/cpu/intel_pstate/no_turbo") == "0")
    find("turbo is on", "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo");
  if (setting("/sys/devices/system/cpu/cpufreq/boost") == "1")
    find("boost is on", "echo 0 > /sys/devices/system/cpu/cpufreq/boost");
  const unsigned allowed = topology::count(topology.layout()).allowed;
  if (const topology::CpuQuota quota = topology::read_cpu_quota(); quota.cpus)
    find(fmt::format("a CPU quota of {:g} CPUs: {}", *quota.cpus, quota.source),
         *quota.cpus < 1         ? "lift it: it is below one CPU"
         : *quota.cpus < allowed ? fmt::format("--cpus {:.0f} at most, or lift it", std::floor(*quota.cpus))
                                 : "");
  if (environment["isolated_cpus"] == "none" && allowed > 4)
    find("no CPU is isolated", "at boot: isolcpus=, nohz_full= and irqaffinity=, or a cpuset partition");
  if (environment["numa_balancing"] == "on")
    find("NUMA balancing moves pages while they are measured", "echo 0 > /proc/sys/kernel/numa_balancing");
  if (environment["thp"] == "always")
    find("transparent huge pages: khugepaged may run at any time",
         "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
  if (const auto paranoid = setting("/proc/sys/kernel/perf_event_paranoid");
      paranoid && measure::to_integer(*paranoid).value_or(0) >= 2 && ::geteuid() != 0)
    find(fmt::format("perf_event_paranoid is {}: the CPUs' counters see user space only", *paranoid),
         "echo 1 > /proc/sys/kernel/perf_event_paranoid");
  if (::access("/sys/kernel/tracing/instances", W_OK) != 0)
    find("tracefs cannot be written: `mmscale record` will not work",
         ::geteuid() == 0 ? "mount -t tracefs tracefs /sys/kernel/tracing" : "record as root");
  if (const std::string why = host::no_membarrier(); !why.empty())
    find(fmt::format("no interrupts by membarrier: {}", why), "--transport signal stands in");
  return findings;
}

int run(std::chrono::nanoseconds length) {
  const topology::Topology topology = topology::Topology::host();
  if (!topology.is_this_system())
    throw topology::TopologyError(fmt::format("doctor: {} is not this host", topology.layout().source));
  std::vector<Finding> findings = noisy_cpus(topology, length);
  for (Finding& finding : settings(topology)) findings.push_back(std::move(finding));
  fmt::print("\n");
  for (const Finding& finding : findings) {
    fmt::print("{}\n", finding.what);
    if (!finding.remedy.empty()) fmt::print("    {}\n", finding.remedy);
  }
  if (findings.empty()) fmt::print("nothing that would disturb a measurement was found\n");
  return static_cast<int>(findings.empty() ? campaign::Outcome::ok : campaign::Outcome::nothing_valid);
}

}  // namespace

void add_doctor_command(Start& start) {
  auto length = std::make_shared<std::chrono::nanoseconds>(std::chrono::seconds(3));
  Command command(start, "doctor", "What will disturb measurements here, and what to do about it");
  command.take("--time", *length);
  command.footer("All CPUs are kept busy meanwhile. Status 3: something was found.");
  command.run([length] { return run(*length); });
}

}  // namespace mmscale::cli
