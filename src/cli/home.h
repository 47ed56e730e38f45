// SPDX-License-Identifier: MIT
#pragma once

#include <set>
#include <string>

#include "topology/layout.h"

namespace mmscale::cli {

// Says on standard error which of those NUMA nodes the contended memory cannot be put on, and what of the layout is not
// as the system told it. Returns the former for the record; empty if there are none.
std::string note_home(const topology::Layout& layout, const std::set<unsigned>& nodes);

}  // namespace mmscale::cli
