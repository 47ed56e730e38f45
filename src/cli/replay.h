// SPDX-License-Identifier: MIT
// `mmscale replay`: what a recorded trace would have cost under each scheme.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mmscale::cli {

// `command_line` goes into the records. The command's exit status is stored in `status`.
void add_replay_command(CLI::App& app, const std::string& command_line, int& status);

}  // namespace mmscale::cli
