// SPDX-License-Identifier: MIT
//
// What the kernel counted while a window ran, and what follows from it: how many of the switches came
// from idle.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/kernel_counts.h"
#include "measure/findings.h"
#include "measure/validity.h"

namespace mmscale::host {

struct KernelAccount {
  std::int64_t elapsed_ns = 0;
  // How often the tasks that are measured left a CPU.
  std::int64_t switches = 0;
  // Of the times that one of them got a CPU, the share at which that CPU came out of idle: at least and at
  // most. `idle_missing` says why the first one, or both, are not known.
  std::optional<double> idle_share_low;
  std::optional<double> idle_share_high;
  std::string idle_missing;
  // Tasks that ended meanwhile, and took with them what they had counted; nothing where that is not known.
  std::optional<std::int64_t> ended;
  // CPU time of other tasks on each CPU watched, and of those of them that are kernel threads; empty where it
  // is not known.
  std::vector<measure::CpuOthers> others;
  std::vector<measure::CpuOthers> kernel_threads;
  std::string others_unseen;  // why
  // Differences of what has the same name in KernelCounts.
  std::vector<IpiRow> ipis;
  std::string ipis_missing;
  std::vector<IdleState> idle_states;
  std::string idle_states_missing;

  std::optional<std::int64_t> ipis_of(IpiKind kind) const;
};

// What happened between two readings to the threads of `processes` on `cpus`. `self` is the process that did
// the reading: its CPU time counts for nobody.
//
// The kernel counts a switch for the CPU (ctxt of /proc/stat is the sum over CPUs) and for the task that is
// left, the idle task included. So the switches out of idle are those of all CPUs less those of all other
// tasks. Each of them began a run of ours or of another task, and no more runs of others began than ended:
// the share of ours lies between (idle - others) and idle. Both are exact but for what switched while /proc
// was read. Tasks that ended meanwhile took their counts with them: their switches are among idle's, the
// upper figure holds all the same, and the lower one is not known.
KernelAccount account(const KernelCounts& before, const KernelCounts& after, std::span<const pid_t> processes,
                      pid_t self, std::span<const unsigned> cpus);

// Adds the account to findings: idle_share_low, idle_share_high, others_share_max,
// kernel_threads_share_max, idle_entries, <kind>_ipis_per_operation, where `operations` is how many
// operations the whole account covers; and `details` with an object `kernel` more, of what is not a number and
// of the reasons for what is not there.
void report(const KernelAccount& account, double operations, measure::Findings& findings,
            nlohmann::ordered_json details);

}  // namespace mmscale::host
