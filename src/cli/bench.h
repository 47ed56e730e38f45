// SPDX-License-Identifier: MIT
// `mmscale bench`: measure on this machine.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mmscale::cli {

// `command_line` goes into the records. The command's exit status is stored in `status`.
void add_bench_command(CLI::App& app, const std::string& command_line, int& status);

}  // namespace mmscale::cli
