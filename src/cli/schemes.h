// SPDX-License-Identifier: MIT
// `mmscale schemes`: the catalogue.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mmscale::cli {

void add_schemes_command(CLI::App& app);

// The catalogue as text for people and as JSON (an array of objects).
std::string schemes_text();
std::string schemes_json();

}  // namespace mmscale::cli
