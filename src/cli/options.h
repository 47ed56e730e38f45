// SPDX-License-Identifier: MIT
//
// One definition per option: what it is called, what value it takes, what it is for, how it stands in a record.
// The command lines of bench, sim and replay, `mmscale describe --json` (from which man pages and completions
// are made) and the word on options that nobody uses come from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "workload/settings.h"

namespace mmscale::cli {

using workload::OptionInfo;
using workload::Value;

std::string_view to_string(Value value);
Value value_of(std::string_view name);
// What it is called beside the option: "N", "NAME,..."; nothing for a flag.
std::string_view placeholder(Value value);

// All of them. Where a name means something a little different on another command, `find_option` has its
// definition under "COMMAND --name" first.
std::span<const OptionInfo> options();
const OptionInfo* find_option(std::string_view command, std::string_view name);

// A number as it is written in decimal, of which nothing is left over: no octal, hexadecimal, sign of a count,
// infinity or NaN, nothing that wraps. Throws UsageError that names the option, the text and what is allowed.
std::uint64_t parse_count(std::string_view option, std::string_view text, std::uint64_t least,
                          std::uint64_t most, bool or_none = false);
double parse_number(std::string_view option, std::string_view text, double least, double most);

// "250ms", "1.5s", "3m", "2h", "100us"; above 0, or 0 where that is the least. Else throws UsageError with the option.
std::chrono::nanoseconds parse_duration(std::string_view option, std::string_view text,
                                        std::chrono::nanoseconds least = std::chrono::nanoseconds(1),
                                        std::chrono::nanoseconds most = std::chrono::hours(365 * 24));
// The same as text: "250ms".
std::string duration_text(std::chrono::nanoseconds duration);

// The text with control characters and what is not UTF-8 made visible, as a message of one line and JSON have it.
std::string printable(std::string_view text);

// A folder that does not exist yet is made for a file that is to be written; "-" and paths that are there stay
// untouched. Throws std::runtime_error naming the folder.
void make_folder_of(const std::string& path);

}  // namespace mmscale::cli
