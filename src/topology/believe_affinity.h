// SPDX-License-Identifier: MIT
// CPUs that this process may run on, though the system does not list them.
#pragma once

#include "topology/bitmap.h"
#include "topology/layout.h"

namespace mmscale::topology {

// Adds those CPUs of the affinity mask that the layout does not have, and says so in its `source`. What lxcfs shows in a container may
// be numbered anew, and without /sys there is nothing but a number of CPUs; the kernel's mask (sched_getaffinity) holds
// online CPUs only, so it is right. Where they are is not known: each is a core with a cache of its own, all in one more
// package, on no NUMA node.
void believe_affinity(const Bitmap& affinity, Layout& layout);

}  // namespace mmscale::topology
