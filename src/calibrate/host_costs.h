// SPDX-License-Identifier: MIT
//
// What calibration measured of this host, and the machine file (docs/simulator.md) that it makes.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "machine/simulator/model.h"
#include "topology/layout.h"

namespace mmscale::calibrate {

// The host cannot be made a machine file of; what() is one line.
class CalibrationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A time that was measured, and how, in the words of a machine file's source.
struct Reading {
  double ns = 0;
  std::string source;
};

// Readings that are absent could not be made.
struct HostCosts {
  std::string name;
  std::string description;
  std::string kind;      // "x86", "arm", "power": machine_kind()
  bool ll_sc = false;    // atomics are pairs of load-linked and store-conditional
  std::string topology;  // hwloc's synthetic description of the CPUs that may be used
  std::size_t cpus = 0;
  std::string domain;  // line_domain()
  // A load or store hit, an atomic operation, a full barrier.
  std::optional<Reading> load;
  std::optional<Reading> store;
  std::optional<Reading> atomic;
  std::optional<Reading> fence;
  // One tick of the CPU's counter.
  std::optional<Reading> tick;
  // A line between two CPUs that far apart, half a round trip.
  std::array<std::optional<Reading>, machine::simulator::kReaches> one_way;
  // inc and dec_and_test by two CPUs of one domain on one line: what a pair takes each of them.
  std::optional<Reading> contended;
  // A call of one other CPU, `call_reach` away, and of `more_targets`, from call to last answer.
  std::optional<Reading> call;
  machine::simulator::Reach call_reach = machine::simulator::Reach::domain;
  std::optional<Reading> call_more;
  unsigned more_targets = 0;
};

struct MachineFile {
  nlohmann::ordered_json json;
  // What is not measured in it and what stands there instead, one line each.
  std::vector<std::string> notes;
};

// The machine file of those costs. It is read as `mmscale sim` would before it is returned: throws
// CalibrationError, saying what is missing or contradicts what, where that fails.
//
// The IPI costs are made of the calls so that a simulated call takes as long as the measured one:
// - send: what each further target adds, where more than one could be called;
// - delivery and handling: the rest of a call of one, less the ways of the lines that a call moves
//   (kCallLines), in the proportion of their defaults. Without a second target send takes its part of that,
//   too.
//
// How long a core goes on with a line it got (`visit`), and what the line takes to who waits where it goes through an
// agent (`handoff`), are made of `contended`, so that a simulated pair takes as long as the measured one.
MachineFile machine_file(const HostCosts& costs);

// Line transfers in a call of one CPU: the target's queue to the caller and back, the request to the target
// and its answer.
inline constexpr unsigned kCallLines = 4;

// Between whose CPUs a line travels without its home: "llc" where packages have several that more than one
// core shares, "die" where they have several dies, else "package".
std::string line_domain(const topology::Layout& layout);

// Whose defaults hold on the processor that this was built for. Throws CalibrationError on one that no model
// is of.
std::string machine_kind();

}  // namespace mmscale::calibrate
