// SPDX-License-Identifier: MIT
// Numbers and lists as users and the kernel write them, and what the kernel escapes.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mmscale::topology {

// All of `text` as a number; nothing if it is none, does not fit, or something is left over.
template <class T>
std::optional<T> number(std::string_view text, [[maybe_unused]] int base = 10) {
  T value{};
  const char* const last = text.data() + text.size();
  std::from_chars_result read;
  if constexpr (std::is_floating_point_v<T>)
    read = std::from_chars(text.data(), last, value);
  else
    read = std::from_chars(text.data(), last, value, base);
  return read.ec == std::errc() && read.ptr == last ? std::optional(value) : std::nullopt;
}

// The parts of a comma-separated list.
inline std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

bool contains(const auto& all, const auto& one) {
  return std::ranges::find(all, one) != std::ranges::end(all);
}

// A path as the kernel's tables of mounts have it: a blank is \040.
inline std::string unescaped(std::string_view text) {
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code =
        text[i] == '\\' && i + 3 < text.size() ? number<unsigned>(text.substr(i + 1, 3), 8) : std::nullopt;
    path += code ? static_cast<char>(*code) : text[i];
    if (code) i += 3;
  }
  return path;
}

}  // namespace mmscale::topology
