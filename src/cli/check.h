// SPDX-License-Identifier: MIT
// `mmscale check`: every interleaving of small situations, scheme by scheme and lifecycle by lifecycle.
#pragma once

#include <CLI/CLI.hpp>

namespace mmscale::cli {

void add_check_command(CLI::App& app);

}  // namespace mmscale::cli
