// SPDX-License-Identifier: MIT
//
// Reads the books of an emulated system (audit.h). A template: apart from audit.h, which all may include.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernel/cpu.h"
#include "workload/audit.h"

namespace mmscale::workload {

// Requests that all machines say they queued for other CPUs.
template <class M>
std::uint64_t queued_by(const std::vector<std::unique_ptr<M>>& machines) {
  std::uint64_t queued = 0;
  for (const auto& machine : machines) queued += machine->ipi_tally().queued;
  return queued;
}

// What a CPU counted, with the interrupts that its machine raised.
template <class M>
kernel::Tally tally_of(const kernel::Tally& counted, const M& machine) {
  kernel::Tally tally = counted;
  tally.ipis_raised = machine.ipi_tally().raised;
  return tally;
}

// What `system` leaves behind, apart from what the oracle saw, after every task exited, every CPU went to init_mm and all
// that was postponed was freed. `m`: any CPU's machine. Relaxed: the caller has seen all CPUs end.
template <class M>
Books read_books(M& m, kernel::System<M>& system, unsigned online) {
  using enum std::memory_order;
  Books books;
  for (unsigned cpu = 0; cpu < system.cpus.size(); ++cpu) {
    books.sum += system.cpus[cpu]->tally;
    if (m.load(system.cpus[cpu]->idle.active_mm, relaxed) != &system.init_mm) books.still_lazy.push_back(cpu);
  }
  books.counted = system.scheme.counted;
  books.online = online;
  books.init_mm_count = m.load(system.init_mm.mm_count(system.scheme.layout), relaxed);
  return books;
}

// What does not add up then, all CPUs being online. `queued`: how many requests the machines say they queued for other
// CPUs.
template <class M>
std::vector<std::string> close_books(M& m, kernel::System<M>& system, std::uint64_t queued) {
  Books books = read_books(m, system, static_cast<unsigned>(system.cpus.size()));
  books.queued = queued;
  books.nohz_nr_cpus = m.load(system.nohz.nr_cpus, std::memory_order_relaxed);
  for (kernel::Cpu<M>* cpu : system.cpus)
    books.ticks_stopped += cpu->nohz_tick_stopped && (m.load(system.nohz.idle_cpus_mask.word(cpu->mask_word),
                                                             std::memory_order_relaxed) &
                                                      cpu->mask_bit) != 0;
  books.findings = system.oracle.findings();
  books.violations = system.oracle.count();
  return mismatches(books);
}

}  // namespace mmscale::workload
