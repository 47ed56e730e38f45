// SPDX-License-Identifier: MIT
//
// What is made of what `mmscale describe --json` says: what a shell completes a command line with, the manual's pages.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace mmscale::cli {

// bash, zsh, fish.
std::vector<std::string_view> shells();

// The text of the file that the shell reads, which asks for candidates(). `shell` is one of shells().
std::string_view completion(std::string_view shell);

// What may stand in place of the last of the words that follow `mmscale`, one a line: commands, options, and the names that
// an option's value is chosen from; behind a tab what it means. ":files" at the end stands for files.
std::string candidates(const nlohmann::ordered_json& described, std::vector<std::string> words);

// Each page by its file's name: mmscale.1 and mmscale-COMMAND.1, in the macros of man(7). `version` stands at the foot.
std::map<std::string, std::string> manual_pages(const nlohmann::ordered_json& described,
                                                const std::string& version);

}  // namespace mmscale::cli
