// SPDX-License-Identifier: MIT
// In which order CPUs are taken into use: the first n of an order is where n threads run.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "topology/layout.h"

namespace mmscale::topology {

enum class Order {
  kCompact,   // nearest first: all PUs of a core, of an LLC, of a die, of a package, then the next package
  kScatter,   // farthest first: round-robin over packages, dies, LLCs and cores; siblings come last
  kSocket,    // package by package; within a package one PU per core, then the siblings
  kSmtFirst,  // whole cores, all siblings at once, the cores in scatter's order
  kSmtLast,   // one PU per core in compact order over the whole machine, then the siblings
  kList,      // the CPUs named, as they are named
};

// What parse_placement takes, besides CPU lists.
inline constexpr std::array<std::string_view, 5> kPlacementNames{"compact", "scatter", "socket", "smt-first",
                                                                 "smt-last"};

struct Placement {
  Order order = Order::kCompact;
  std::vector<unsigned> cpus;  // of kList
  // All CPUs of it on the layout that it was settled on; null: found whenever somebody asks.
  std::shared_ptr<const std::vector<unsigned>> settled = {};

  bool operator==(const Placement& other) const { return order == other.order && cpus == other.cpus; }
};

// One of kPlacementNames, or a CPU list ("0,4-7"). What is below throws std::invalid_argument, too, where CPUs are not there.
Placement parse_placement(std::string_view text);

// What parse_placement reads back.
std::string to_string(const Placement& placement);

// OS indexes of all CPUs of a placement, first used first. The named orders give each allowed PU once. A list
// may also name CPUs outside the affinity mask, as users of isolcpus need, but none that is unknown, offline,
// outside the cpuset or named twice.
std::vector<unsigned> order(const Layout& layout, const Placement& placement);

// The same placement, for this layout alone: its order is found once for the thousands of cases of a campaign.
Placement settle(const Layout& layout, Placement placement);

// The first `cpus` of them; an error if there are fewer.
std::vector<unsigned> place(const Layout& layout, const Placement& placement, unsigned cpus);

}  // namespace mmscale::topology
