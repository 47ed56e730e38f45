// SPDX-License-Identifier: MIT
//
// The records of a replay: what `mmscale bench` writes for a window, with what a trace adds.
#pragma once

#include <cstdint>
#include <span>
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

// A trace replayed in one place.
struct Replayed {
  ReplayPlace place;
  trace::SessionResult session;
};

// Where a trace is from, and whose rules it was replayed under.
struct ReplayOrigin {
  std::string trace;
  // As the trace says: its kernel's release, what uname(2) calls its machine, its processor. Empty if it does not.
  std::string kernel;
  std::string machine;
  std::string processor;
  // Why this lifecycle.
  std::string lifecycle_reason;
};

// One record per place and scheme into `out`; docs/records-families.md has every name. Throws what RecordFile throws.
void write_replay_records(const std::string& out, const ReplayOrigin& origin,
                          std::span<const Replayed> replayed, const std::string& command_line);

}  // namespace mmscale::cli
