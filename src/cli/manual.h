// SPDX-License-Identifier: MIT
//
// The manual's pages, from what `mmscale describe --json` says.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace mmscale::cli {

// Each page by its file's name: mmscale.1 and mmscale-COMMAND.1, in the macros of man(7). `version` stands at the foot.
std::map<std::string, std::string> manual_pages(const nlohmann::ordered_json& described,
                                                const std::string& version);

}  // namespace mmscale::cli
