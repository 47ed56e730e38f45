// SPDX-License-Identifier: MIT
#include "topology/placement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <stdexcept>
#include <tuple>

#include "topology/cpu_list.h"

namespace mmscale::topology {
namespace {

// Longer lists are cut in messages, which are to fit a line.
constexpr std::size_t kMessageItems = 12;

std::string brief(const std::vector<unsigned>& cpus) {
  return cpus.empty() ? "none" : format_cpu_list(cpus, kMessageItems);
}

// An allowed PU. Its rank counts only the *allowed* PUs of its core: where the first sibling is not ours, the
// second one is the core's only PU and no latecomer.
struct Slot {
  const Pu* pu = nullptr;
  unsigned slowness = 0;  // 0 for the fastest kind of core, and for all where the kinds cannot be ranked
  unsigned rank = 0;
};
using Slots = std::vector<Slot>;
using Key = unsigned (*)(const Slot&);

unsigned package_of(const Slot& slot) { return slot.pu->package; }
unsigned slowness_of(const Slot& slot) { return slot.slowness; }
unsigned die_of(const Slot& slot) { return slot.pu->die; }
unsigned llc_of(const Slot& slot) { return slot.pu->llc; }
unsigned core_of(const Slot& slot) { return slot.pu->core; }
unsigned rank_of(const Slot& slot) { return slot.rank; }

// Parts of equal key, in the order in which the keys first appear.
std::vector<Slots> partition(const Slots& slots, Key key) {
  std::vector<Slots> parts;
  std::map<unsigned, std::size_t> part_of;
  for (const Slot& slot : slots) {
    const auto [entry, is_new] = part_of.try_emplace(key(slot), parts.size());
    if (is_new) parts.emplace_back();
    parts[entry->second].push_back(slot);
  }
  return parts;
}

// The first of each part, then the second of each...
Slots interleave(const std::vector<Slots>& parts) {
  Slots mixed;
  for (std::size_t i = 0, longest = 1; i < longest; ++i) {
    for (const Slots& part : parts) {
      longest = std::max(longest, part.size());
      if (i < part.size()) mixed.push_back(part[i]);
    }
  }
  return mixed;
}

// Round-robin over the parts of the first key, each spread over the remaining keys.
Slots spread(const Slots& slots, std::span<const Key> keys) {
  if (keys.empty()) return slots;
  std::vector<Slots> parts = partition(slots, keys.front());
  for (Slots& part : parts) part = spread(part, keys.subspan(1));
  return interleave(parts);
}

template <typename Rearrange>
Slots each(const std::vector<Slots>& parts, Rearrange rearrange) {
  Slots joined;
  for (const Slots& part : parts) {
    const Slots rearranged = rearrange(part);
    joined.insert(joined.end(), rearranged.begin(), rearranged.end());
  }
  return joined;
}
Slots join(const std::vector<Slots>& parts) {
  return each(parts, [](const Slots& part) { return part; });
}

// The order that all others rearrange. Within a package the faster cores come first, and the package of the
// fastest cores comes first.
Slots compact(const Layout& layout) {
  Slots slots;
  std::map<unsigned, unsigned> fastest_of_package;
  for (const Pu& pu : layout.pus) {
    if (!pu.allowed) continue;
    const unsigned slowness = layout.core_kinds_ranked ? pu.core_kind : 0;
    slots.push_back({.pu = &pu, .slowness = slowness});
    const auto [fastest, is_new] = fastest_of_package.try_emplace(pu.package, slowness);
    fastest->second = std::min(fastest->second, slowness);
  }
  std::ranges::stable_sort(slots, {}, [&](const Slot& slot) {
    const Pu& pu = *slot.pu;
    return std::tuple(fastest_of_package[pu.package], pu.package, slot.slowness, pu.die, pu.llc, pu.core,
                      pu.smt);
  });
  std::map<unsigned, unsigned> taken_of_core;
  for (Slot& slot : slots) slot.rank = taken_of_core[slot.pu->core]++;
  return slots;
}

Slots smt_last(const Slots& slots) { return join(partition(slots, rank_of)); }

Slots socket(const Slots& slots) { return each(partition(slots, package_of), smt_last); }

// Slots of one rank, thus of different cores. Faster kinds are
// used up before slower ones, package by package.
Slots scatter_cores(const Slots& one_per_core) {
  static constexpr std::array<Key, 2> kWithinPackage{die_of, llc_of};
  std::vector<Slots> packages = partition(one_per_core, package_of);
  for (Slots& package : packages) {
    package = each(partition(package, slowness_of),
                   [](const Slots& alike) { return spread(alike, kWithinPackage); });
  }
  return interleave(packages);
}

Slots scatter(const Slots& slots) { return each(partition(slots, rank_of), scatter_cores); }

Slots smt_first(const Slots& slots) {
  std::map<unsigned, Slots> cores;
  for (const Slots& core : partition(slots, core_of)) cores[core_of(core.front())] = core;
  Slots firsts;
  std::ranges::copy_if(slots, std::back_inserter(firsts), [](const Slot& slot) { return slot.rank == 0; });
  Slots whole;
  for (const Slot& first : scatter_cores(firsts))
    std::ranges::copy(cores[core_of(first)], std::back_inserter(whole));
  return whole;
}

void check_list(const Layout& layout, const std::vector<unsigned>& cpus) {
  std::map<unsigned, const Pu*> known;
  for (const Pu& pu : layout.pus) known[pu.os_index] = &pu;
  std::set<unsigned> named;
  const auto refuse = [&](unsigned cpu, std::string_view what, std::string_view allowed, const auto& those) {
    return std::invalid_argument(
        fmt::format("CPU {} of the list {}; {}: {}", cpu, what, allowed, brief(those)));
  };
  for (unsigned cpu : cpus) {
    const auto found = known.find(cpu);
    if (found == known.end()) throw refuse(cpu, "does not exist", "online", list(layout, &Pu::online));
    if (!found->second->online) throw refuse(cpu, "is offline", "online", list(layout, &Pu::online));
    if (!found->second->in_cpuset)
      throw refuse(cpu, "is outside the cpuset", "in the cpuset", list(layout, &Pu::in_cpuset));
    if (!named.insert(cpu).second) throw refuse(cpu, "is named twice", "the list", cpus);
  }
}

}  // namespace

Placement parse_placement(std::string_view text) {
  const auto name = std::ranges::find(kPlacementNames, text);
  if (name != kPlacementNames.end()) return {static_cast<Order>(name - kPlacementNames.begin()), {}};
  if (!text.empty() && text.front() >= '0' && text.front() <= '9')
    return {Order::kList, parse_cpu_list(text)};
  throw std::invalid_argument(fmt::format("unknown placement '{}'; known are {}, or a CPU list like 0,4-7",
                                          text, fmt::join(kPlacementNames, ", ")));
}

std::string to_string(const Placement& placement) {
  if (placement.order == Order::kList) return format_cpu_list(placement.cpus);
  return std::string(kPlacementNames.at(static_cast<std::size_t>(placement.order)));
}

std::vector<unsigned> order(const Layout& layout, const Placement& placement) {
  if (placement.settled) return *placement.settled;
  if (placement.order == Order::kList) {
    check_list(layout, placement.cpus);
    return placement.cpus;
  }
  // By Order.
  static constexpr Slots (*kArrange[])(const Slots&) = {[](const Slots& slots) { return slots; }, scatter,
                                                        socket, smt_first, smt_last};
  const Slots slots = kArrange[static_cast<std::size_t>(placement.order)](compact(layout));
  std::vector<unsigned> os_indexes;
  std::ranges::transform(slots, std::back_inserter(os_indexes),
                         [](const Slot& slot) { return slot.pu->os_index; });
  return os_indexes;
}

Placement settle(const Layout& layout, Placement placement) {
  placement.settled = std::make_shared<const std::vector<unsigned>>(order(layout, placement));
  return placement;
}

std::vector<unsigned> place(const Layout& layout, const Placement& placement, unsigned cpus) {
  if (!placement.settled) return place(layout, settle(layout, placement), cpus);
  const std::vector<unsigned>& chosen = *placement.settled;
  if (cpus == 0) throw std::invalid_argument("0 CPUs asked for: at least 1 is needed");
  if (cpus > chosen.size()) {
    const bool is_list = placement.order == Order::kList;
    throw std::invalid_argument(fmt::format("{} CPUs asked for, {} {} ({})", cpus, chosen.size(),
                                            is_list ? "in the list" : "allowed",
                                            brief(is_list ? placement.cpus : list(layout, &Pu::allowed))));
  }
  return {chosen.begin(), chosen.begin() + cpus};
}

}  // namespace mmscale::topology
