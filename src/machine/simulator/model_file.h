// SPDX-License-Identifier: MIT
//
// Machine files: machines/*.json. Every number in one has its source and a quality mark; docs/simulator.md is
// the reference of the format.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "machine/simulator/model.h"

namespace mmscale::machine::simulator {

// A machine file that does not exist or makes no sense; what() is one line that names the file and the fault.
class ModelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The machine of a file, or of one of the machines that come with mmscale by its name. Every latency is
// multiplied by `scale`, for how much a result depends on them.
Model load_model(std::string_view name_or_path, double scale = 1);

// What a machine file says; `origin` is what errors call it.
Model parse_model(std::string_view json, std::string_view origin, double scale = 1);

// Where a PU is, with `domain` ("package", "die", "llc", "core") and `packages_per_group` (0: one group) of a machine
// file.
Place place_of(const topology::Pu& pu, std::string_view domain, unsigned packages_per_group);

}  // namespace mmscale::machine::simulator
