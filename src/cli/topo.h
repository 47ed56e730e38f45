// SPDX-License-Identifier: MIT
// `mmscale topo`: what CPUs there are, which of them are ours, and in which order a placement takes them.
#pragma once

#include <CLI/CLI.hpp>

namespace mmscale::cli {

void add_topo_command(CLI::App& app);

}  // namespace mmscale::cli
