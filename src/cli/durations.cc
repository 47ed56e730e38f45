// SPDX-License-Identifier: MIT
#include "cli/durations.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "cli/names.h"

namespace mmscale::cli {

std::chrono::nanoseconds parse_duration(std::string_view option, std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
      {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
  // A year: far above any use, far below what nanoseconds can count.
  constexpr double kMost = 365 * 24 * 3600e9;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc()) {
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const auto& [name, ns] : kUnits)
      if (unit == name && value * ns >= 1 && value * ns <= kMost)
        return std::chrono::nanoseconds(static_cast<std::int64_t>(value * ns));
  }
  throw UsageError(fmt::format(
      "{}: '{}' is not a duration above 0 with a unit (us, ms, s, m, h), such as 250ms", option, text));
}

}  // namespace mmscale::cli
