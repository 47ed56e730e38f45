// SPDX-License-Identifier: MIT
// `mmscale assess`: what mm_count costs on this machine, and what another scheme would give.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mmscale::cli {

// `command_line` goes into the records. The command's exit status is stored in `status`.
void add_assess_command(CLI::App& app, const std::string& command_line, int& status);

}  // namespace mmscale::cli
