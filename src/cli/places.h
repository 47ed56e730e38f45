// SPDX-License-Identifier: MIT
//
// Where something runs: a machine model that a user names, NUMA nodes.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "machine/simulator/model.h"
#include "topology/layout.h"

namespace mmscale::cli {

// The model of that name, or of that file (*.json), its latencies times `scale`. Throws UsageError for a name that
// there is not, with what was probably meant; what load_model throws for a file that is no model.
machine::simulator::Model load_machine(const std::string& given, double scale = 1);

// Throws UsageError unless `home` is a node of the layout with memory for us; `where` is in the message.
void check_home(const topology::Layout& layout, std::optional<std::uint32_t> home, std::string_view where);

// Says on standard error which of those NUMA nodes the contended memory cannot be put on, and what of the layout is not
// as the system told it. Returns the former for the record; empty if there are none.
std::string note_home(const topology::Layout& layout, const std::set<unsigned>& nodes);

}  // namespace mmscale::cli
