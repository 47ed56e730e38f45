// SPDX-License-Identifier: MIT
//
// The other side of the bargain: what it takes to end an address space while other CPUs still borrow it.
// docs/teardown.md says what is timed and what is not.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "workload/load.h"
#include "workload/program.h"
#include "workload/silicon_loads.h"

namespace mmscale::workload {

// Who has a part in every teardown. CPU 0 drops; CPUs 1 to `borrowers` borrow the mm lazily meanwhile, as
// idle CPUs on which its threads have exited; the next `mask_only` CPUs did so and have gone on to other user
// work, which leaves their bits in mm_cpumask where the architecture does not clear them; the rest run user
// work of their own.
struct TeardownSpec {
  unsigned cpus = 2;
  unsigned borrowers = 1;
  unsigned mask_only = 0;
  // How long borrowers go on borrowing after the drop has returned. A real idle CPU sleeps until it has work.
  std::chrono::nanoseconds linger{};
  // How long a borrower takes to leave its idle state when it is interrupted.
  std::chrono::nanoseconds idle_exit{};

  bool borrows(unsigned cpu) const { return cpu >= 1 && cpu <= borrowers; }
  bool in_mask(unsigned cpu) const { return cpu >= 1 && cpu <= borrowers + mask_only; }
};

// What each CPU does in a round. Throws std::invalid_argument for more parts than CPUs.
Program teardown_program(const TeardownSpec& spec);

// Told what was measured, by the CPU that measured it, outside of what is timed. Times are in ticks of the
// CPU's counter unless they say ns.
class TeardownObserver {
 public:
  virtual ~TeardownObserver() = default;
  // CPU 0: the last mmput, from its call to its return.
  virtual void dropped(std::uint64_t ticks) = 0;
  // Another CPU: what it lost between saying that it was ready and seeing that the drop was over.
  virtual void interrupted(unsigned cpu, std::uint64_t ticks) = 0;
  // The CPU that freed the mm, or CPU 0 if that happened within the drop: from the last user's going to the
  // freeing.
  virtual void freed(unsigned cpu, std::uint64_t ns) = 0;
  // CPU 0: mms that are dead and not yet freed, when a drop has returned.
  virtual void held(std::int64_t mms) = 0;
  // Any CPU: time spent on what the scheme had postponed, outside the drop.
  virtual void drained(unsigned cpu, std::uint64_t ticks) = 0;
};

// teardown_program() with its steps timed: one round is one teardown, led by CPU 0. `observer` outlives the load; null for
// none. Throws as teardown_program and make_silicon_load do.
std::unique_ptr<Load> make_teardown_load(const SiliconSpec& silicon, const TeardownSpec& spec,
                                         TeardownObserver* observer);

// Bytes of one emulated mm, with its mask and what the scheme keeps in it.
std::size_t mm_slot_bytes(const SiliconSpec& silicon, unsigned cpus);

}  // namespace mmscale::workload
