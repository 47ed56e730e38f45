// SPDX-License-Identifier: MIT
#include "topology/sharing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

#include "topology/text.h"

namespace mmscale::topology {
namespace {

// Equal exactly for the CPUs that share. `position` is the CPU's place in the placement order.
unsigned shared_object(const Pu& pu, unsigned position, const Sharing& sharing) {
  if (sharing.by == ShareBy::kAll) return 0;
  if (sharing.by == ShareBy::kPrivate) return position;
  if (sharing.by == ShareBy::kCpus) return position / sharing.cpus;
  // CPUs of no node have no node in common: what is left is their package.
  if (sharing.by == ShareBy::kNuma && pu.numa_node == kNone) return ~pu.package;
  // By ShareBy, all aside.
  constexpr unsigned Pu::*kObjects[] = {&Pu::package, &Pu::numa_node, &Pu::die, &Pu::llc, &Pu::core};
  return pu.*kObjects[static_cast<std::size_t>(sharing.by) - 1];
}

}  // namespace

Sharing parse_sharing(std::string_view text) {
  const auto name = std::ranges::find(kSharingNames, text);
  if (name != kSharingNames.end()) return {static_cast<ShareBy>(name - kSharingNames.begin()), 0};
  if (const auto cpus = number<unsigned>(text); cpus.value_or(0) != 0) return {ShareBy::kCpus, *cpus};
  throw std::invalid_argument(fmt::format("unknown sharing '{}'; known are {}, or a number of CPUs from 1 on",
                                          text, fmt::join(kSharingNames, ", ")));
}

std::string to_string(const Sharing& sharing) {
  if (sharing.by == ShareBy::kCpus) return fmt::to_string(sharing.cpus);
  return std::string(kSharingNames.at(static_cast<std::size_t>(sharing.by)));
}

std::vector<unsigned> groups(const Layout& layout, std::span<const unsigned> cpus, const Sharing& sharing) {
  if (sharing.by == ShareBy::kCpus && sharing.cpus == 0) throw std::invalid_argument("0 CPUs cannot share");
  std::vector<const Pu*> known;
  for (const Pu& pu : layout.pus) {
    known.resize(std::max<std::size_t>(known.size(), pu.os_index + 1));
    known[pu.os_index] = &pu;
  }
  std::unordered_map<unsigned, unsigned> group_of(cpus.size());
  std::vector<unsigned> groups;
  for (unsigned cpu : cpus) {
    const Pu* pu = cpu < known.size() ? known[cpu] : nullptr;
    if (pu == nullptr) throw std::invalid_argument(fmt::format("CPU {} to share does not exist", cpu));
    const auto position = static_cast<unsigned>(groups.size());
    const unsigned object = shared_object(*pu, position, sharing);
    groups.push_back(group_of.try_emplace(object, static_cast<unsigned>(group_of.size())).first->second);
  }
  return groups;
}

}  // namespace mmscale::topology
