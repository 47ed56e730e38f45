// SPDX-License-Identifier: MIT
#include "topology/layout.h"

#include <algorithm>
#include <set>

namespace mmscale::topology {

Counts count(const Layout& layout) {
  std::set<unsigned> cores, llcs, dies, packages;
  Counts counts;
  for (const Pu& pu : layout.pus) {
    ++counts.pus;
    counts.allowed += pu.allowed;
    if (!pu.online) continue;
    ++counts.online;
    cores.insert(pu.core);
    llcs.insert(pu.llc);
    dies.insert(pu.die);
    packages.insert(pu.package);
  }
  counts.cores = static_cast<unsigned>(cores.size());
  counts.llcs = static_cast<unsigned>(llcs.size());
  counts.dies = static_cast<unsigned>(dies.size());
  counts.packages = static_cast<unsigned>(packages.size());
  counts.numa_nodes = static_cast<unsigned>(layout.numa_nodes.size());
  return counts;
}

const Pu* find(const Layout& layout, unsigned os_index) {
  auto found = std::ranges::find(layout.pus, os_index, &Pu::os_index);
  return found == layout.pus.end() ? nullptr : &*found;
}

std::vector<unsigned> list(const Layout& layout, bool Pu::*which) {
  std::vector<unsigned> os_indexes;
  for (const Pu& pu : layout.pus)
    if (pu.*which) os_indexes.push_back(pu.os_index);
  std::ranges::sort(os_indexes);
  return os_indexes;
}

Layout allow_only(Layout layout, std::span<const unsigned> os_indexes) {
  const std::set<unsigned> keep(os_indexes.begin(), os_indexes.end());
  for (Pu& pu : layout.pus) pu.allowed = pu.allowed && keep.contains(pu.os_index);
  return layout;
}

}  // namespace mmscale::topology
