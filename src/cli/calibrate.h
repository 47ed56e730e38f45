// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

namespace mmscale::cli {

// `mmscale calibrate`: this host as a machine file for `mmscale sim`.
void add_calibrate_command(CLI::App& app, int& status);

}  // namespace mmscale::cli
