// SPDX-License-Identifier: MIT
#include "topology/bind.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "topology/bitmap.h"
#include "topology/cpu_list.h"

namespace mmscale::topology {

void bind_this_thread(const Topology& topology, unsigned os_index) {
  const Layout& layout = topology.layout();
  const auto refuse = [&](std::string_view why) {
    return BindError(fmt::format("cannot bind to CPU {}: {}", os_index, why));
  };
  // Asked first: on a topology that is not this system hwloc binds nothing and reports success.
  if (!topology.is_this_system())
    throw refuse(fmt::format("the topology is not this system but {}", layout.source));
  const Pu* pu = find(layout, os_index);
  if (pu == nullptr) {
    throw refuse(
        fmt::format("it does not exist; online: {}", format_cpu_list(list(layout, &Pu::online), 12)));
  }
  if (!pu->online) throw refuse("it is offline");

  const Bitmap wanted(os_index);
  if (hwloc_set_cpubind(topology.native(), wanted.get(), HWLOC_CPUBIND_THREAD | HWLOC_CPUBIND_STRICT) != 0) {
    throw refuse(
        fmt::format("{}{}", std::strerror(errno), pu->in_cpuset ? "" : " (it is outside the cpuset)"));
  }
  Bitmap bound;
  if (hwloc_get_cpubind(topology.native(), bound.get(), HWLOC_CPUBIND_THREAD) != 0) {
    throw refuse(fmt::format("the binding cannot be read back: {}", std::strerror(errno)));
  }
  if (!(bound == wanted)) {
    throw refuse(fmt::format("the thread is bound to {} instead", format_cpu_list(members(bound.get()), 12)));
  }
  if (const unsigned landed = current_pu(); landed != os_index) {
    throw refuse(fmt::format("the thread runs on CPU {} instead", landed));
  }
}

bool is_bound_to(unsigned os_index) {
  constexpr std::size_t kBits = 8 * sizeof(unsigned long);
  // Longer than any kernel's mask: a shorter one would be refused.
  std::array<unsigned long, 65'536 / kBits> mask{};
  if (os_index / kBits >= mask.size() || ::syscall(SYS_sched_getaffinity, 0, sizeof mask, mask.data()) < 0)
    return false;
  mask[os_index / kBits] ^= 1ul << (os_index % kBits);
  return std::all_of(mask.begin(), mask.end(), [](unsigned long word) { return word == 0; });
}

unsigned current_pu() {
  const int cpu = sched_getcpu();
  if (cpu < 0) throw BindError(fmt::format("cannot tell which CPU this runs on: {}", std::strerror(errno)));
  return static_cast<unsigned>(cpu);
}

}  // namespace mmscale::topology
