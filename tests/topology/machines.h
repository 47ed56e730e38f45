// SPDX-License-Identifier: MIT
// Machines to test on that nobody here owns.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "topology/topology.h"

namespace mmscale::topology {

inline Layout machine(const std::string& description) { return Topology::synthetic(description).layout(); }
inline Layout recorded(const std::string& name) {
  return Topology::from_xml(MMSCALE_TESTDATA "/" + name).layout();
}

inline bool contains(std::span<const unsigned> cpus, unsigned cpu) {
  return std::ranges::count(cpus, cpu) != 0;
}

// The cpuset without those CPUs.
inline Layout forbid(Layout layout, const std::vector<unsigned>& cpus) {
  for (Pu& pu : layout.pus) {
    if (contains(cpus, pu.os_index)) pu.in_cpuset = pu.allowed = false;
  }
  return layout;
}

// Those CPUs become fast cores, the others slow ones.
inline Layout make_fast(Layout layout, const std::vector<unsigned>& cpus) {
  layout.core_kinds = {{"fast"}, {"slow"}};
  layout.core_kinds_ranked = true;
  for (Pu& pu : layout.pus) pu.core_kind = contains(cpus, pu.os_index) ? 0 : 1;
  return layout;
}

// Every shape the properties must hold on, with a name to say which one they failed on.
inline std::vector<std::pair<std::string, Layout>> machines() {
  const std::string two_sockets = "pack:2 [numa] die:2 l3:2 core:4 pu:2";
  std::vector<std::pair<std::string, Layout>> all;
  for (const std::string description :
       {"pu:1", "pu:7", "core:4 pu:2", "pack:3 pu:5", "pack:2 l3:4 core:8 pu:1", "pack:16 core:12 pu:8",
        "pack:16 [numa] die:2 l3:4 core:4 pu:8", "pack:4 core:3 pu:4(indexes=12*4:4*12)",
        "pu:8(indexes=0,2,4,1,1040,1041,2000,3000)"}) {
    all.emplace_back(description, machine(description));
  }
  all.emplace_back(two_sockets, machine(two_sockets));
  all.emplace_back("without first siblings", forbid(machine("pack:2 core:4 pu:2"), {0, 4, 10}));
  all.emplace_back("lopsided", forbid(machine(two_sockets), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 35, 37}));
  all.emplace_back("a package that is not ours", forbid(machine("pack:2 core:2 pu:2"), {0, 1, 2, 3}));
  all.emplace_back("under taskset",
                   allow_only(machine(two_sockets), std::vector<unsigned>{1, 5, 33, 40, 41}));
  all.emplace_back("slow cores first", make_fast(machine("l3:1 core:6 pu:2"), {8, 9, 10, 11}));
  all.emplace_back("fast package second", make_fast(machine("pack:2 core:3 pu:2"), {6, 7, 8, 9, 10, 11}));
  all.emplace_back("hybrid.xml", recorded("hybrid.xml"));
  all.emplace_back("sparse.xml", recorded("sparse.xml"));
  return all;
}

}  // namespace mmscale::topology
