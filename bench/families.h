// SPDX-License-Identifier: MIT
//
// The families of cases, one file per question, and what they have in common.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "campaign/case.h"
#include "host/switches.h"
#include "topology/layout.h"
#include "workload/patterns.h"
#include "workload/silicon_loads.h"

namespace mmscale::bench {

using campaign::Case;
using campaign::Choice;
using campaign::Conclusion;
using campaign::Results;

// A family. Each is what a function `Family NAME_family()` says in the file in this folder that makes its cases; CMake
// collects them.
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
  // Among all, where order matters; equals by name.
  unsigned place = 100;
};

// All of them, in order.
std::span<const Family> families();

// Families of which parts are used elsewhere, too.
std::vector<Case> switch_cases(const topology::Layout& layout, const Choice& choice);
std::vector<Case> ipi_cases(const topology::Layout& layout, const Choice& choice);
std::vector<Case> line_cases(const topology::Layout& layout, const Choice& choice);
// What a window of family `line` takes at least with so many PUs: all pairs are visited, one after the other.
std::chrono::nanoseconds line_window(unsigned pus);
std::vector<Case> host_kernel_cases(const topology::Layout& layout, const Choice& choice);
// The running kernel's switches of one kind.
Case host_switch_case(const topology::Layout& layout, const topology::Placement& placement, unsigned cpus,
                      const host::SwitchSpec& spec);
std::vector<Conclusion> mix_conclusions(Results results);

// What every case is a record of: a family, and the first CPUs of a placement.
measure::Subject subject_on(const topology::Layout& layout, const Choice& choice, std::string family,
                            const topology::Placement& placement, unsigned cpus);

// Each placement with each number of CPUs that is not below `least`.
template <class Add>
void for_each_place(const Choice& choice, unsigned least, Add add) {
  for (const topology::Placement& placement : choice.placements)
    for (const unsigned cpus : choice.cpu_counts)
      if (cpus >= least) add(placement, cpus);
}

// What a case of family `floor` is a record of: a bare loop on PUs, or on the first of a placement.
measure::Subject floor_subject(const topology::Layout& layout, const Choice& choice, std::string_view loop,
                               std::string_view placement, std::vector<unsigned> pus);
measure::Subject floor_subject(const topology::Layout& layout, const Choice& choice, std::string_view loop,
                               const topology::Placement& placement, unsigned cpus);

// What a case of the emulated kernel is a record of: what all such families have in common.
measure::Subject kernel_subject(const topology::Layout& layout, const Choice& choice, std::string family,
                                const std::string& scheme, const topology::Placement& placement,
                                unsigned cpus);

// Its emulated kernel, which refers to the subject's texts; and what its CPUs do, as `build` makes it of the processes.
workload::SiliconSpec silicon_spec(const measure::Subject& subject);
workload::Program program_of(const topology::Layout& layout, const measure::Subject& subject,
                             workload::Program (*build)(const workload::PatternParameters&));

// The node a case's contended memory lives on: the choice's, or the first PU's own.
unsigned home_of(const topology::Layout& layout, const Choice& choice, const std::vector<unsigned>& pus);

}  // namespace mmscale::bench
