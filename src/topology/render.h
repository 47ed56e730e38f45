// SPDX-License-Identifier: MIT
// A Layout for people (text) and for programs (JSON, whose keys stay as they are).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "topology/layout.h"
#include "topology/placement.h"
#include "topology/quota.h"

namespace mmscale::topology {

// A placement and the CPUs it came to.
struct Placed {
  Placement placement;
  std::vector<unsigned> cpus;
};

// What is shown beside the layout, if given.
struct Extras {
  std::optional<CpuQuota> quota;
  std::optional<Placed> placed;
};

// One line: "16 CPUs, 8 cores, 2 packages, 2 NUMA nodes".
std::string summary(const Layout& layout);

// Objects that are alike are drawn once ("16 packages,
// each:"), so a machine of any size fits a screen or two.
std::string render_text(const Layout& layout, const Extras& extras = {});

// Every PU with its place; unknown indexes are null.
std::string render_json(const Layout& layout, const Extras& extras = {});

// The layout on its way from one process to another of the
// same program; nothing if the bytes are not those of a whole one.
std::string to_bytes(const Layout& layout);
std::optional<Layout> from_bytes(std::string_view bytes);

}  // namespace mmscale::topology
