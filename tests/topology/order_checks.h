// SPDX-License-Identifier: MIT
// What must be true of an order of CPUs. Each check returns what is wrong, or nothing; order_checks_test.cc
// shows that each can fail.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "topology/layout.h"

namespace mmscale::topology {

using Cpus = std::vector<unsigned>;

inline std::map<unsigned, const Pu*> by_os_index(const Layout& layout) {
  std::map<unsigned, const Pu*> pus;
  for (const Pu& pu : layout.pus) pus[pu.os_index] = &pu;
  return pus;
}

// Every allowed PU once and no other.
inline std::string not_a_permutation(const Layout& layout, Cpus order) {
  std::ranges::sort(order);
  return order == list(layout, &Pu::allowed) ? "" : "not a permutation of the allowed PUs";
}

// Once an object is left it is not entered again.
inline std::string comes_back(const Layout& layout, const Cpus& order, unsigned Pu::*object) {
  const auto pus = by_os_index(layout);
  std::set<unsigned> left;
  unsigned current = kNone;
  for (unsigned cpu : order) {
    const unsigned now = pus.at(cpu)->*object;
    if (now == current) continue;
    left.insert(current);
    if (left.contains(now)) return fmt::format("CPU {} comes back to object {}", cpu, now);
    current = now;
  }
  return "";
}

// For each position: how many PUs of the same core came before.
inline std::vector<unsigned> sibling_ranks(const Layout& layout, const Cpus& order) {
  const auto pus = by_os_index(layout);
  std::map<unsigned, unsigned> taken;
  std::vector<unsigned> ranks;
  for (unsigned cpu : order) ranks.push_back(taken[pus.at(cpu)->core]++);
  return ranks;
}

// No core gets its second thread before each has its first.
inline std::string sibling_too_early(const Layout& layout, const Cpus& order) {
  return std::ranges::is_sorted(sibling_ranks(layout, order)) ? "" : "a sibling is used before all cores are";
}

// At no point is an object two PUs ahead of another one that still has unused PUs for this pass; a pass gives
// each core one PU. `inside` names the objects among which the balance is kept.
inline std::string unbalanced(const Layout& layout, const Cpus& order, unsigned Pu::*object,
                              unsigned Pu::*inside = nullptr) {
  const auto pus = by_os_index(layout);
  const auto ranks = sibling_ranks(layout, order);
  const auto outer = [&](unsigned cpu) { return inside == nullptr ? 0 : pus.at(cpu)->*inside; };
  std::map<std::pair<unsigned, unsigned>, std::map<unsigned, unsigned>> capacity, taken;
  for (std::size_t i = 0; i < order.size(); ++i) {
    ++capacity[{ranks[i], outer(order[i])}][pus.at(order[i])->*object];
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto pass = std::pair(ranks[i], outer(order[i]));
    const unsigned ahead = ++taken[pass][pus.at(order[i])->*object];
    for (const auto& [other, room] : capacity[pass]) {
      const unsigned behind = taken[pass][other];
      if (ahead > behind + 1 && behind < room) return fmt::format("CPU {} unbalances the order", order[i]);
    }
  }
  return "";
}

// Among the first PUs of the cores of a package, none of a slower kind before one of a faster kind.
inline std::string slow_before_fast(const Layout& layout, const Cpus& order) {
  const auto pus = by_os_index(layout);
  const auto ranks = sibling_ranks(layout, order);
  std::map<unsigned, unsigned> slowest;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (ranks[i] != 0) continue;
    unsigned& so_far = slowest[pus.at(order[i])->package];
    if (pus.at(order[i])->core_kind < so_far)
      return fmt::format("CPU {} is faster than one before it", order[i]);
    so_far = pus.at(order[i])->core_kind;
  }
  return "";
}

}  // namespace mmscale::topology
