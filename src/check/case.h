// SPDX-License-Identifier: MIT
//
// A situation to explore: who runs what at first, and a few steps for each CPU. Data, so that one description
// serves every scheme under every lifecycle.
#pragma once

#include <string_view>
#include <vector>

#include "kernel/build.h"
#include "machine/explorer/world.h"
#include "workload/program.h"

namespace mmscale::check {

using Act = workload::Op;
using workload::Step;

struct Case {
  std::string_view name;
  std::string_view what;
  // Of each user task: which mm it lives in at first.
  std::vector<unsigned> task_mm;
  // Done one after the other before anything is explored.
  struct Before {
    unsigned cpu;
    Step step;
  };
  std::vector<Before> before;
  // What each CPU does, explored.
  std::vector<std::vector<Step>> programs;
  // As preempted_by.
  static constexpr unsigned kNobody = ~0u, kKthread = ~0u - 1;
  // What few cases have.
  struct More {
    kernel::Rules rules = {};
    // How often the exit of a first mm flushes (Mm::exit_flushes): 0, it has no page tables; 2, it has more than one batch
    // of them.
    unsigned exit_flushes = 1;
    // The process of the first mm has registered for membarrier(2), without which the kernel answers EPERM.
    bool registered = false;
    // Which user task preempts the one at hand wherever the kernel may be preempted, once somebody has signalled its CPU
    // (resched_curr); kKthread: the CPU's kernel thread.
    unsigned preempted_by = kNobody;
    // CPUs, one bit each, that begin alike and do the same, each in a process of its own (explore.h).
    machine::explorer::CpuSet interchangeable = 0;
    // Schemes whose names begin so: a question that others do not raise.
    std::string_view schemes = {};
    // Lifecycles whose rules it is about, as in scheme::stands_for(); empty for all. Under the others it shows
    // nothing new, and is explored only where it is asked for by name.
    std::vector<std::string_view> lifecycles = {};
  } more = {};

  unsigned cpus() const { return static_cast<unsigned>(programs.size()); }
  bool concerns(std::string_view scheme) const { return scheme.starts_with(more.schemes); }
  bool concerns_lifecycle(std::string_view lifecycle) const;
};

// All cases, in the order of a table.
const std::vector<Case>& cases();

// One that there is.
const Case& find_case(std::string_view name);

}  // namespace mmscale::check
