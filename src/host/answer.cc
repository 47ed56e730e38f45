// SPDX-License-Identifier: MIT
#include "host/answer.h"

#include <unistd.h>

#include "measure/build_info.h"
#include "measure/disturbance.h"
#include "measure/hypervisor.h"
#include "measure/statistics.h"

namespace mmscale::host {

Witness act(const measure::Bench& bench, Cast& cast, std::span<const unsigned> pus,
            const measure::WindowTimes& times) {
  const measure::MachineProbe probe({pus.begin(), pus.end()}, bench.quota.stat_path);
  const std::vector<pid_t> processes = cast.processes();
  const measure::MachineSnapshot machine = probe.snapshot();
  const KernelCounts before = read_kernel_counts(pus);
  cast.act(bench.patience_with(times));
  const KernelCounts after = read_kernel_counts(pus);
  Witness witness{probe.between(machine, probe.snapshot()),
                  account(before, after, processes, ::getpid(), pus)};
  cast.dismiss();
  return witness;
}

measure::Window empty_window(const measure::Bench& bench, std::span<const unsigned> pus) {
  measure::Window window;
  note_pmu(measure::this_pmu(), window);
  for (const unsigned os_index : pus) {
    measure::CpuWindow cpu;
    cpu.pu = os_index;
    if (const topology::Pu* pu = topology::find(bench.topology.layout(), os_index)) cpu.package = pu->package;
    window.cpus.push_back(cpu);
  }
  return window;
}

void judge_window(const measure::Bench& bench, const Witness& witness, const measure::WindowTimes& times,
                  bool real_switches, measure::Window& window) {
  std::vector<measure::MeasuredSpan> spans;
  for (const measure::CpuWindow& cpu : window.cpus)
    if (cpu.end_ns > cpu.start_ns) spans.push_back({cpu.start_ns, cpu.end_ns});
  window.overlap = measure::overlap_fraction(spans);
  measure::WindowConditions& conditions = window.conditions;
  conditions.machine = witness.machine;
  conditions.window_ns = times.measure.count();
  conditions.overlap = window.overlap;
  conditions.pinned = true;  // the cast fails otherwise
  conditions.topology_is_this_system = bench.topology.is_this_system();
  conditions.quota = bench.quota;
  conditions.build = measure::this_build();
  conditions.emulator = measure::emulator();
  conditions.real_switches = real_switches;
  conditions.cpu_time_excludes_steal = measure::cpu_time_excludes_steal();
  conditions.others = witness.account.others;
  if (real_switches && witness.account.others.empty())
    conditions.others_missing = witness.account.others_unseen;
  conditions.others_ended = witness.account.ended;
  window.verdict = measure::judge(conditions);
  if (window.audit.empty()) return;
  window.verdict.valid = false;
  window.verdict.reasons.push_back("conservation: " + window.audit.front());
}

}  // namespace mmscale::host
