// SPDX-License-Identifier: MIT
#include "cli/rest_of_switch.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include "cli/names.h"
#include "topology/input_file.h"
#include "topology/text.h"

namespace mmscale::cli {
namespace {

using topology::number;

constexpr double kMostNs = 1e6;

bool is_time(double ns) { return ns >= 0 && ns <= kMostNs; }

}  // namespace

RestOfSwitch RestOfSwitch::parse(const std::string& text) {
  RestOfSwitch rest;
  rest.origin_ = fmt::format("--rest-of-switch {}", text);
  if (const auto ns = number<double>(text)) {
    if (!is_time(*ns)) throw UsageError(fmt::format("{}: 0 to {} ns", rest.origin_, kMostNs));
    rest.by_cpus_[0] = *ns;
    return rest;
  }
  if (const std::string why = topology::unreadable(text, topology::kMostWrittenBytes); !why.empty())
    throw UsageError(
        fmt::format("{}: neither a number of ns nor a file that can be read ({})", rest.origin_, why));
  std::ifstream in(text);
  unsigned line_number = 0;
  for (std::string line; std::getline(in, line);) {
    ++line_number;
    line.erase(std::find(line.begin(), line.end(), '#'), line.end());
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream words(line);
    const std::vector<std::string> fields(std::istream_iterator<std::string>(words), {});
    if (fields.empty()) continue;
    const auto cpus = number<double>(fields[0]);
    const auto ns = fields.size() == 2 ? number<double>(fields[1]) : std::nullopt;
    const bool is_count = cpus && *cpus >= 1 && *cpus <= 1e6 && *cpus == static_cast<unsigned>(*cpus);
    if (!is_count || !ns || !is_time(*ns))
      throw UsageError(
          fmt::format("{}, line {}: '{:.60}' is not a number of CPUs and the ns of a switch there, 0 to {}",
                      rest.origin_, line_number, fmt::format("{}", fmt::join(fields, " ")), kMostNs));
    if (!rest.by_cpus_.emplace(static_cast<unsigned>(*cpus), *ns).second)
      throw UsageError(
          fmt::format("{}, line {}: {} CPUs stand there twice", rest.origin_, line_number, *cpus));
  }
  if (rest.by_cpus_.empty())
    throw UsageError(fmt::format("{}: has no line with a number of CPUs and ns", rest.origin_));
  return rest;
}

double RestOfSwitch::ns(unsigned cpus) const {
  if (is_upper_bound()) return by_cpus_.begin()->second;
  const auto above = by_cpus_.lower_bound(cpus);
  if (above == by_cpus_.end())
    throw UsageError(fmt::format("{}: has no row for {} CPUs or more; the last is for {}", origin_, cpus,
                                 by_cpus_.rbegin()->first));
  if (above->first == cpus || above == by_cpus_.begin()) return above->second;
  const auto below = std::prev(above);
  const double part =
      static_cast<double>(cpus - below->first) / static_cast<double>(above->first - below->first);
  return below->second + part * (above->second - below->second);
}

}  // namespace mmscale::cli
