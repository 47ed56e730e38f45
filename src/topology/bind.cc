// SPDX-License-Identifier: MIT
#include "topology/bind.h"

#include <fmt/format.h>
#include <sched.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#include "topology/cpu_list.h"

namespace mmscale::topology {
namespace {

// Empty where it cannot be read; errno says why.
std::vector<unsigned> affinity_of_this_thread() {
  // Linux refuses a mask that is too short for its CPUs; none is built for as many as this.
  std::vector<unsigned long> mask(kMaxCpuIndex / (8 * sizeof(unsigned long)) / 8);
  std::vector<unsigned> cpus;
  if (::sched_getaffinity(0, mask.size() * sizeof mask[0], reinterpret_cast<cpu_set_t*>(mask.data())) != 0)
    return cpus;
  for (std::size_t word = 0; word < mask.size(); ++word)
    for (unsigned long bits = mask[word]; bits != 0; bits &= bits - 1)
      cpus.push_back(static_cast<unsigned>(word * 8 * sizeof bits) +
                     static_cast<unsigned>(std::countr_zero(bits)));
  return cpus;
}

}  // namespace

std::vector<unsigned long> affinity_mask(unsigned os_index) {
  constexpr unsigned kBits = 8 * sizeof(unsigned long);
  std::vector<unsigned long> mask(os_index / kBits + 1);
  mask.back() = 1ul << (os_index % kBits);
  return mask;
}

std::string why_no_thread(int error) {
  if (error == EINVAL) return "it is offline, outside the cpuset or not there";
  return fmt::format("{}{}", std::strerror(error),
                     error == EAGAIN ? " (ulimit -u, or a cgroup's pids.max)" : "");
}

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

  // Not through hwloc, which binds to nothing that /sys does not list.
  const std::vector<unsigned long> mask = affinity_mask(os_index);
  if (::sched_setaffinity(0, mask.size() * sizeof mask[0], reinterpret_cast<const cpu_set_t*>(mask.data())) !=
      0)
    throw refuse(why_no_thread(errno));
  const std::vector<unsigned> bound = affinity_of_this_thread();
  if (bound.empty()) throw refuse(fmt::format("the binding cannot be read back: {}", std::strerror(errno)));
  if (bound != std::vector{os_index})
    throw refuse(fmt::format("the thread is bound to {} instead", format_cpu_list(bound, 12)));
  if (const unsigned landed = current_pu(); landed != os_index)
    throw refuse(fmt::format("the thread runs on CPU {} instead", landed));
}

bool is_bound_to(unsigned os_index) { return affinity_of_this_thread() == std::vector{os_index}; }

unsigned current_pu() {
  const int cpu = sched_getcpu();
  if (cpu < 0) throw BindError(fmt::format("cannot tell which CPU this runs on: {}", std::strerror(errno)));
  return static_cast<unsigned>(cpu);
}

}  // namespace mmscale::topology
