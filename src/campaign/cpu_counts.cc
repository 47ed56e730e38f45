// SPDX-License-Identifier: MIT
#include "campaign/cpu_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "topology/text.h"

namespace mmscale::campaign {

std::vector<unsigned> octave_counts(unsigned all, unsigned per_octave, unsigned octaves) {
  std::set<unsigned> counts;
  for (unsigned base = 1; base <= all; base <<= octaves) {
    const unsigned step = std::max(1u, base / per_octave);
    for (unsigned n = base; n < 2 * base && n <= all; n += step) counts.insert(n);
    if (octaves > 31 || base > all >> octaves) break;
  }
  counts.insert(all);
  return {counts.begin(), counts.end()};
}

std::vector<unsigned> parse_cpu_counts(std::string_view text, unsigned all, std::string_view why) {
  std::set<unsigned> counts;
  for (const std::string& part : topology::split_list(text)) {
    const std::string_view token = part;
    if (token == "all") {
      counts.insert(all);
    } else if (token == "octave") {
      for (unsigned n : octave_counts(all)) counts.insert(n);
    } else {
      const std::size_t dash = token.find('-');
      const auto first = topology::number<unsigned>(token.substr(0, dash));
      const auto last =
          dash == std::string_view::npos ? first : topology::number<unsigned>(token.substr(dash + 1));
      if (!first || !last || *first == 0 || *last < *first)
        throw std::invalid_argument(fmt::format(
            "--cpus {}: '{}' is not a count from 1 to {}, a range of them (1-4), 'all' or 'octave'", text,
            token, all));
      if (*last > all)
        throw std::invalid_argument(
            fmt::format("--cpus {}: {} CPUs asked for, {} can be used ({})", text, *last, all, why));
      for (unsigned n = *first; n <= *last; ++n) counts.insert(n);
    }
  }
  return {counts.begin(), counts.end()};
}

}  // namespace mmscale::campaign
