// SPDX-License-Identifier: MIT
//
// A machine model that a user names.
#pragma once

#include <string>
#include <string_view>

#include "machine/simulator/model.h"

namespace mmscale::cli {

// The model of that name, or of that file (*.json), its latencies times `scale`. Throws UsageError for a name that
// there is not, with what was probably meant; what load_model throws for a file that is no model.
machine::simulator::Model load_machine(std::string_view option, const std::string& given, double scale = 1);

}  // namespace mmscale::cli
