// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

namespace mmscale::cli {

// `mmscale doctor`: what on this machine will disturb measurements, and what to do about it, in some seconds. Status 3
// if there is anything.
void add_doctor_command(CLI::App& app, int& status);

}  // namespace mmscale::cli
