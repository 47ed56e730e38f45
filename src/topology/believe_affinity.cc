// SPDX-License-Identifier: MIT
#include "topology/believe_affinity.h"

#include <fmt/format.h>

#include <vector>

#include "topology/cpu_list.h"

namespace mmscale::topology {

void believe_affinity(const Bitmap& affinity, Layout& layout) {
  std::vector<unsigned> believed;
  for (const unsigned os_index : members(affinity.get()))
    if (find(layout, os_index) == nullptr) believed.push_back(os_index);
  if (believed.empty()) return;
  Counts known = count(layout);
  for (const unsigned os_index : believed)
    layout.pus.push_back({.os_index = os_index,
                          .core = known.cores++,
                          .package = known.packages,
                          .die = known.dies,
                          .llc = known.llcs++,
                          .numa_node = kNone});
  layout.source +=
      fmt::format("; CPU {} {} not listed as online in /sys, but in the affinity mask, which is believed",
                  format_cpu_list(believed, 12), believed.size() == 1 ? "is" : "are");
}

}  // namespace mmscale::topology
