// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mmscale::cli {

// `mmscale sim`: what `mmscale bench` measures, on a machine model in virtual time.
void add_sim_command(CLI::App& app, const std::string& command_line, int& status);

}  // namespace mmscale::cli
