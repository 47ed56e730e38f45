// SPDX-License-Identifier: MIT
// `mmscale record`: what the scheduler of this machine does, into a file that `mmscale replay` reads.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mmscale::cli {

// The command's exit status is stored in `status`.
void add_record_command(CLI::App& app, int& status);

}  // namespace mmscale::cli
