// SPDX-License-Identifier: MIT
#include "cli/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mmscale::cli {
namespace {

// Levenshtein's distance: insertions, deletions and replacements from one text to the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1] ? 1 : 0)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view name, std::span<const std::string_view> allowed) {
  std::string_view best;
  // A third of the letters wrong is a slip; more is another word.
  std::size_t least = name.size() / 3 + 1;
  for (std::string_view candidate : allowed) {
    const std::size_t distance = edit_distance(name, candidate);
    // An unfinished name ("shoot") is one, too, however much is missing.
    const bool unfinished = name.size() >= 3 && candidate.starts_with(name);
    if (distance <= least || (best.empty() && unfinished)) {
      least = std::min(least, distance);
      best = candidate;
    }
  }
  return best;
}

void check_name(std::string_view option, std::string_view name, std::span<const std::string_view> allowed) {
  if (topology::contains(allowed, name)) return;
  const std::string_view meant = nearest(name, allowed);
  throw UsageError(fmt::format("{}: there is no '{}'{}; there are {}", option, name,
                               meant.empty() ? "" : fmt::format(", did you mean '{}'?", meant),
                               fmt::join(allowed, ", ")));
}

std::vector<std::string> each_of(std::string_view text) {
  std::vector<std::string> once;
  for (std::string& part : split_list(text))
    if (!topology::contains(once, part)) once.push_back(std::move(part));
  return once;
}

std::vector<std::string> parse_names(std::string_view option, std::string_view text,
                                     std::span<const std::string_view> allowed) {
  if (text == "all") return {allowed.begin(), allowed.end()};
  std::vector<std::string> names = each_of(text);
  for (const std::string& name : names) check_name(option, name, allowed);
  return names;
}

}  // namespace mmscale::cli
