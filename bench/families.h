// SPDX-License-Identifier: MIT
//
// The families of cases, one file per question, and what they have in common.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "campaign/case.h"
#include "campaign/conclusion.h"
#include "topology/layout.h"
#include "workload/silicon_loads.h"

namespace mmscale::bench {

using campaign::Case;
using campaign::Choice;
using campaign::Conclusion;
using campaign::Results;

// Family `switch`: how many context switches per second, under each scheme, sharing and placement.
std::vector<Case> switch_cases(const topology::Layout& layout, const Choice& choice);

// Family `floor`: what bare instructions cost in the same windows.
std::vector<Case> floor_cases(const topology::Layout& layout, const Choice& choice);

// Family `teardown`: how long the last drop of an mm takes, by how many CPUs borrow it, and what it does
// to them.
std::vector<Case> teardown_cases(const topology::Layout& layout, const Choice& choice);

// Family `mix`: switches and exits together, and where two schemes cost the same.
std::vector<Case> mix_cases(const topology::Layout& layout, const Choice& choice);
std::vector<Conclusion> mix_conclusions(Results results);

// Family `ipi`: what a transport's interrupts cost by themselves.
std::vector<Case> ipi_cases(const topology::Layout& layout, const Choice& choice);

// Family `line`: how long a cache line takes between any two PUs. One case for each placement, at the largest
// CPU count.
std::vector<Case> line_cases(const topology::Layout& layout, const Choice& choice);
std::vector<Conclusion> line_conclusions(Results results);

// Family `bounce`: who hands a contended line to whom. From 2 CPUs on.
std::vector<Case> bounce_cases(const topology::Layout& layout, const Choice& choice);

// Family `explorer`: how fast interleavings are explored, by each way to search.
std::vector<Case> explorer_cases(const topology::Layout& layout, const Choice& choice);

// Family `host_kernel`: the running kernel's own context switches, deaths of processes and calls that
// interrupt other CPUs; and how much of that went through idle.
std::vector<Case> host_kernel_cases(const topology::Layout& layout, const Choice& choice);
std::vector<Conclusion> host_kernel_conclusions(Results results);

// Family `simulator`: how fast the simulator is on this host.
std::vector<Case> simulator_cases(const topology::Layout& layout, const Choice& choice);

// Families by name, in the order they are run in where order matters.
struct Family {
  std::string_view name;
  std::string_view what;
  std::vector<Case> (*cases)(const topology::Layout&, const Choice&);
  // Below so many CPUs it has no cases.
  unsigned least_cpus = 1;
  // Whether it is measured when nobody says what.
  bool by_default = false;
  // What it concludes from all its windows; null for nothing.
  std::vector<Conclusion> (*conclude)(Results) = nullptr;
};
std::span<const Family> families();

// What a case of the emulated kernel is a record of: what all such families have in common.
measure::Subject kernel_subject(const topology::Layout& layout, const Choice& choice, std::string family,
                                const std::string& scheme, const topology::Placement& placement,
                                unsigned cpus);

// The emulated kernel that the choice asks for. Refers to its arguments' texts.
workload::SiliconSpec silicon_spec(const std::string& scheme, const Choice& choice, unsigned home_node);

// The node a case's contended memory lives on: the choice's, or the first PU's own.
unsigned home_of(const topology::Layout& layout, const Choice& choice, const std::vector<unsigned>& pus);

}  // namespace mmscale::bench
