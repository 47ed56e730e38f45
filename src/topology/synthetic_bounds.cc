// SPDX-License-Identifier: MIT
#include "topology/synthetic_bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace mmscale::topology {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The number that `text` begins with, as large as there are any if it is larger; and takes it away.
std::uint64_t take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc::result_out_of_range ? UINT64_MAX : number;
}

// The largest number in a list "indexes=0,4:8*2", which `text` begins with; and takes it away.
std::uint64_t take_largest_index(std::string_view& text) {
  std::uint64_t largest = 0;
  while (!text.empty() && text.front() != ' ' && text.front() != ')')
    if (is_digit(text.front()))
      largest = std::max(largest, take_number(text));
    else
      text.remove_prefix(1);
  return largest;
}

}  // namespace

std::string synthetic_excess(std::string_view text) {
  constexpr std::string_view kIndexes = "indexes=";
  std::uint64_t pus = 1;
  bool in_attributes = false;
  for (char before = ' '; !text.empty();) {
    const char c = text.front();
    if (in_attributes && text.starts_with(kIndexes)) {
      text.remove_prefix(kIndexes.size());
      if (const std::uint64_t index = take_largest_index(text); index > kMostOsIndex)
        return fmt::format("a CPU or node has the number {}, {} is the largest", index, kMostOsIndex);
      continue;
    }
    // "core:8", or "8" alone; memory in brackets has no part in how many PUs there are.
    if (!in_attributes && is_digit(c) && (before == ':' || before == ' ')) {
      const std::uint64_t children = take_number(text);
      if (children > kMostChildren)
        return fmt::format("{} in one object, {} are the most", children, kMostChildren);
      pus *= children;
      if (pus > kMostPus) return fmt::format("it has {} CPUs or more, {} are the most", pus, kMostPus);
      before = '0';
      continue;
    }
    if (c == '(') in_attributes = true;
    if (c == ')') in_attributes = false;
    before = c;
    text.remove_prefix(1);
  }
  return {};
}

}  // namespace mmscale::topology
