// SPDX-License-Identifier: MIT
//
// What a shell completes a command line of mmscale with, from what `mmscale describe --json` says.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace mmscale::cli {

// bash, zsh, fish.
std::vector<std::string_view> shells();

// The text of the file that the shell reads: commands, options, and the names that an option's value is chosen from.
// `shell` is one of shells().
std::string completion(const nlohmann::ordered_json& described, std::string_view shell);

}  // namespace mmscale::cli
