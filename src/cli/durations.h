// SPDX-License-Identifier: MIT
//
// Durations as users write them.
#pragma once

#include <chrono>
#include <string_view>

namespace mmscale::cli {

// "250ms", "1.5s", "3m", "2h", "100us"; above 0. Throws UsageError naming the option otherwise.
std::chrono::nanoseconds parse_duration(std::string_view option, std::string_view text);

}  // namespace mmscale::cli
