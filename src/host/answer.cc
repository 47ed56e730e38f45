// SPDX-License-Identifier: MIT
#include "host/answer.h"

#include <unistd.h>

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

void judge_window(const measure::Bench& bench, const Witness& witness, const measure::WindowTimes& times,
                  bool real_switches, measure::Window& window) {
  sum_up(window);
  measure::WindowConditions& conditions = window.conditions;
  conditions.machine = witness.machine;
  conditions.real_switches = real_switches;
  conditions.others = witness.account.others;
  if (real_switches && witness.account.others.empty())
    conditions.others_missing = witness.account.others_unseen;
  conditions.others_ended = witness.account.ended;
  judge(bench, times, window);
}

}  // namespace mmscale::host
