// SPDX-License-Identifier: MIT
//
// Reads the books of an emulated system (audit.h). A template: apart from audit.h, which all may include.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/cpu.h"
#include "workload/audit.h"

namespace mmscale::workload {

// What does not add up in `system`, after every task exited, every CPU went to init_mm and all that was
// postponed was freed. `m`: any CPU's machine; `queued`: how many requests the machines say they queued for
// other CPUs. Relaxed: the caller has seen all CPUs end.
template <class M>
std::vector<std::string> close_books(M& m, kernel::System<M>& system, std::uint64_t queued) {
  using enum std::memory_order;
  Books books;
  for (unsigned cpu = 0; cpu < system.cpus.size(); ++cpu) {
    books.sum += system.cpus[cpu]->tally;
    if (m.load(system.cpus[cpu]->idle.active_mm, relaxed) != &system.init_mm) books.still_lazy.push_back(cpu);
  }
  books.queued = queued;
  books.counted = system.scheme.counted;
  books.init_mm_count = m.load(system.init_mm.mm_count(system.scheme.layout), relaxed);
  books.findings = system.oracle.findings();
  books.violations = system.oracle.count();
  return mismatches(books, static_cast<unsigned>(system.cpus.size()));
}

}  // namespace mmscale::workload
