// SPDX-License-Identifier: MIT
//
// Pins the calling thread and verifies it.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "topology/topology.h"

namespace mmscale::topology {

struct BindError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Threads that do not come back from what they had to do on their CPUs: what() is one line that says which.
struct StuckError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The kernel's affinity mask of that PU alone, as long as it takes: glibc's cpu_set_t ends at CPU 1023.
std::vector<unsigned long> affinity_mask(unsigned os_index);

// Why there is no thread, or none on the PU that it is for, by the error number of who refused it.
std::string why_no_thread(int error);

// Returns with the thread running on that PU and bound to nothing else, or throws.
void bind_this_thread(const Topology& topology, unsigned os_index);

// Whether the calling thread's affinity, as the kernel has it, is that PU alone. Cheap: one system call.
bool is_bound_to(unsigned os_index);

// The OS index of the PU this runs on; by the time it is used, an unbound thread may have moved on.
unsigned current_pu();

}  // namespace mmscale::topology
