// SPDX-License-Identifier: MIT
#include "topology/leave.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "topology/text.h"

namespace mmscale::topology {

Leave parse_leave(std::string_view text) {
  const auto refuse = [text] {
    return LeaveError(fmt::format(
        "'{}' is not a number of cores, or one for each package or node: 1, 2/package, 1/node", text));
  };
  Leave leave;
  const std::size_t slash = text.find('/');
  const auto cores = number<decltype(leave.cores)>(text.substr(0, slash));
  if (!cores) throw refuse();
  leave.cores = *cores;
  if (slash == std::string_view::npos) return leave;
  const std::string_view per = text.substr(slash + 1);
  if (per == "package")
    leave.per = Per::package;
  else if (per == "node")
    leave.per = Per::node;
  else
    throw refuse();
  return leave;
}

Leave default_leave(const Layout& layout) {
  std::set<unsigned> cores;
  for (const Pu& pu : layout.pus)
    if (pu.allowed) cores.insert(pu.core);
  return {.cores = count(layout).allowed > kLeaveAbove && cores.size() > 1 ? 1u : 0u};
}

std::vector<unsigned> to_leave(const Layout& layout, const Leave& leave) {
  // By the least number of their PUs.
  std::map<unsigned, std::map<unsigned, unsigned>> first_of_core;  // unit, core, its least PU
  for (const Pu& pu : layout.pus) {
    if (!pu.allowed) continue;
    const unsigned unit = leave.per == Per::package ? pu.package : leave.per == Per::node ? pu.numa_node : 0;
    const auto [at, is_new] = first_of_core[unit].try_emplace(pu.core, pu.os_index);
    if (!is_new) at->second = std::min(at->second, pu.os_index);
  }
  std::set<unsigned> cores;
  for (const auto& [unit, firsts] : first_of_core) {
    std::vector<std::pair<unsigned, unsigned>> order;
    for (const auto& [core, first] : firsts) order.emplace_back(first, core);
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < std::min<std::size_t>(leave.cores, order.size()); ++i)
      cores.insert(order[i].second);
  }
  std::vector<unsigned> left;
  unsigned allowed = 0;
  for (const Pu& pu : layout.pus) {
    if (!pu.allowed) continue;
    ++allowed;
    if (cores.contains(pu.core)) left.push_back(pu.os_index);
  }
  if (left.size() == allowed && leave.cores != 0)
    throw LeaveError(fmt::format("none of the {} CPUs would be left to measure on", allowed));
  std::sort(left.begin(), left.end());
  return left;
}

void stay_on(const std::vector<unsigned>& pus) {
  constexpr std::size_t kBits = 8 * sizeof(unsigned long);
  std::vector<unsigned long> mask(pus.empty() ? 1 : *std::max_element(pus.begin(), pus.end()) / kBits + 1);
  for (const unsigned pu : pus) mask[pu / kBits] |= 1ul << (pu % kBits);
  ::syscall(SYS_sched_setaffinity, 0, mask.size() * sizeof mask[0], mask.data());
}

}  // namespace mmscale::topology
