// SPDX-License-Identifier: MIT
//
// The records of a replay: what `mmscale bench` writes for a window, with what a trace adds.
#pragma once

#include <cstdint>
#include <string>

#include "machine/simulator/world.h"
#include "topology/layout.h"
#include "trace/session.h"

namespace mmscale::cli {

// Where a trace was replayed.
struct ReplayPlace {
  const topology::Layout& layout;
  // "silicon", "simulator".
  std::string world;
  // The machine model; empty on silicon.
  std::string model;
  std::string transport;
  std::string transport_reason;
};

// Lines that left one CPU's cache for another's, or were copied there.
std::uint64_t lines_moved(const machine::simulator::Statistics& lines);

// One record per replay into `out`; docs/traces.md has every name. Throws campaign::RecordFileError.
void write_replay_records(const std::string& out, const std::string& trace, const ReplayPlace& place,
                          const trace::SessionResult& session, const std::string& command_line);

}  // namespace mmscale::cli
