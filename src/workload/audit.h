// SPDX-License-Identifier: MIT
//
// Conservation: what must add up when an emulated system has ended, whatever the scheme.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/oracle.h"
#include "kernel/tally.h"

namespace mmscale::workload {

// What an emulated system leaves behind after every task exited, every CPU went to init_mm and all that was
// postponed was freed.
struct Books {
  // Of all CPUs, from boot to end.
  kernel::Tally sum;
  // Requests that the machines queued for other CPUs.
  std::uint64_t queued = 0;
  // Whether the scheme counts lazy borrows in mm_count.
  bool counted = false;
  // CPUs that are online at the end.
  unsigned online = 0;
  std::int64_t init_mm_count = 0;
  // nohz.nr_cpus, and the CPUs in its mask whose tick is stopped.
  std::int64_t nohz_nr_cpus = 0;
  std::int64_t ticks_stopped = 0;
  // CPUs whose active_mm is not init_mm.
  std::vector<unsigned> still_lazy;
  std::vector<kernel::Oracle::Finding> findings;
  std::uint64_t violations = 0;

  std::int64_t mms_left() const {
    return static_cast<std::int64_t>(sum.mms_born) - static_cast<std::int64_t>(sum.mms_freed);
  }
  // Idle CPUs of a counted scheme end as they began, with one reference each on init_mm.
  std::int64_t on_init_mm() const { return counted ? online : 0; }
};

// Everything that does not add up, one line each; empty is right:
//   references taken by lazy borrows = returned + those idle CPUs hold on init_mm; mms freed = born; IPIs
//   handled (with or without a borrower found) = sent = queued; nobody borrows; nohz.nr_cpus; the oracle saw nothing.
std::vector<std::string> mismatches(const Books& books);

}  // namespace mmscale::workload
