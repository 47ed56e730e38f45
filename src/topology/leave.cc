// SPDX-License-Identifier: MIT
#include "topology/leave.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "topology/text.h"

namespace mmscale::topology {

Leave parse_leave(std::string_view text) {
  const auto refuse = [text] {
    return std::invalid_argument(fmt::format(
        "'{}' is not a number of cores, or one for each package or node: 1, 2/package, 1/node", text));
  };
  Leave leave;
  const std::size_t slash = text.find('/');
  const auto cores = number<decltype(leave.cores)>(text.substr(0, slash));
  if (!cores) throw refuse();
  leave.cores = *cores;
  if (slash == std::string_view::npos) return leave;
  const std::string_view per = text.substr(slash + 1);
  if (per != "package" && per != "node") throw refuse();
  leave.per = per == "package" ? Per::package : Per::node;
  return leave;
}

Leave default_leave(const Layout& layout) {
  std::set<unsigned> cores;
  for (const Pu& pu : layout.pus)
    if (pu.allowed) cores.insert(pu.core);
  return {.cores = count(layout).allowed > kLeaveAbove && cores.size() > 1 ? 1u : 0u};
}

std::vector<unsigned> to_leave(const Layout& layout, const Leave& leave) {
  std::vector<unsigned> left;
  std::map<unsigned, std::set<unsigned>> cores_of_unit;
  const std::vector<unsigned> allowed = list(layout, &Pu::allowed);
  for (const unsigned os_index : allowed) {
    const Pu& pu = *find(layout, os_index);
    std::set<unsigned>& cores = cores_of_unit[leave.per == Per::package ? pu.package
                                              : leave.per == Per::node  ? pu.numa_node
                                                                        : 0];
    if (cores.size() < leave.cores) cores.insert(pu.core);
    if (cores.contains(pu.core)) left.push_back(os_index);
  }
  if (left.size() == allowed.size() && leave.cores != 0)
    throw std::invalid_argument(
        fmt::format("none of the {} CPUs would be left to measure on", allowed.size()));
  return left;
}

void stay_on(const std::vector<unsigned>& pus) {
  constexpr std::size_t kBits = 8 * sizeof(unsigned long);
  std::vector<unsigned long> mask(pus.empty() ? 1 : *std::max_element(pus.begin(), pus.end()) / kBits + 1);
  for (const unsigned pu : pus) mask[pu / kBits] |= 1ul << (pu % kBits);
  ::syscall(SYS_sched_setaffinity, 0, mask.size() * sizeof mask[0], mask.data());
}

}  // namespace mmscale::topology
