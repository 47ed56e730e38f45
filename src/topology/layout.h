// SPDX-License-Identifier: MIT
// The machine as plain values. Everything that decides where threads go (placement, grouping, distance,
// drawing) is a pure function of a Layout, so it can be tested on machines nobody owns.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace mmscale::topology {

// The index of something that is not there or not known.
inline constexpr unsigned kNone = std::numeric_limits<unsigned>::max();

// A hardware thread. Only os_index and numa_node are the operating system's numbers; core, package, die and
// llc count from 0 over the whole machine, in the order the machine is wired (hwloc's logical order).
struct Pu {
  unsigned os_index = kNone;
  unsigned core = kNone;
  unsigned package = kNone;
  unsigned die = kNone;
  unsigned llc = kNone;        // last-level cache: the outermost data cache above the core
  unsigned numa_node = kNone;  // the local one; kNone where the nearest memory is not said
  unsigned smt = 0;            // rank within the core
  unsigned core_kind = 0;      // index into Layout::core_kinds
  bool online = true;     // an offline PU has no known place: core, package, die, llc, numa_node are kNone
  bool in_cpuset = true;  // the cpuset lets us bind here
  bool allowed = true;    // online, in the cpuset and in the affinity mask we were started with

  bool operator==(const Pu&) const = default;
};

// Nodes without CPUs (CXL, HBM) are listed too: memory can live there.
struct NumaNode {
  unsigned os_index = kNone;
  std::uint64_t memory_bytes = 0;  // 0 where not known
  bool has_cpus = true;            // it is the local node of some PU
  bool allowed = true;             // the cpuset lets us allocate here

  bool operator==(const NumaNode&) const = default;
};

// One row per kind of core of a hybrid machine. No rows, or one, mean that all cores are alike.
struct CoreKind {
  std::string name;

  bool operator==(const CoreKind&) const = default;
};

// Which levels the machine told us about; docs/topology.md says what stands in for a missing one.
struct Levels {
  bool package = true;
  bool die = true;
  bool llc = true;
  bool core = true;

  bool operator==(const Levels&) const = default;
};

struct Layout {
  std::string source;           // "this host", "synthetic 'pack:2 core:4 pu:2'", "XML 'big.xml'"
  bool is_this_system = false;  // whether threads can be bound to these PUs
  std::vector<Pu> pus;          // neighbours side by side, as the machine is wired; offline PUs at the end
  std::vector<NumaNode> numa_nodes;
  std::vector<CoreKind> core_kinds;  // the fastest first, if core_kinds_ranked
  bool core_kinds_ranked = false;
  Levels reported;

  bool operator==(const Layout&) const = default;
};

struct Counts {
  unsigned pus = 0;  // all that is known of, offline ones included
  unsigned online = 0;
  unsigned allowed = 0;
  unsigned cores = 0;
  unsigned llcs = 0;
  unsigned dies = 0;
  unsigned packages = 0;
  unsigned numa_nodes = 0;
};
Counts count(const Layout& layout);

// The PU with that OS index, or nullptr.
const Pu* find(const Layout& layout, unsigned os_index);

// The OS indexes, ascending, of the PUs for which `which` is set: list(layout, &Pu::allowed).
std::vector<unsigned> list(const Layout& layout, bool Pu::*which);

// The machine as a process sees it that was started under `taskset` with these CPUs: no others are allowed.
Layout allow_only(Layout layout, std::span<const unsigned> os_indexes);

}  // namespace mmscale::topology
