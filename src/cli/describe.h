// SPDX-License-Identifier: MIT
// `mmscale describe`: every command and option, for people and, as JSON, for man pages and completions.
#pragma once

#include <CLI/CLI.hpp>

namespace mmscale::cli {

// Describes `app` as it is when the command runs: all that it has by then.
void add_describe_command(CLI::App& app);

}  // namespace mmscale::cli
