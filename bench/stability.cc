// SPDX-License-Identifier: MIT
#include "bench/stability.h"

#include <fmt/format.h>

#include <algorithm>

#include "measure/statistics.h"

namespace mmscale::bench {

Stability stability_of(std::span<const double> values) {
  Stability stability;
  if (values.empty()) return stability;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  stability.least = sorted.front();
  stability.greatest = sorted.back();
  for (auto begin = sorted.begin(); begin != sorted.end();) {
    const auto gap = std::adjacent_find(begin, sorted.end(),
                                        [](double near, double far) { return far > kModeGap * near; });
    const auto end = gap == sorted.end() ? gap : gap + 1;
    const std::span<const double> together(begin, end);
    stability.modes.push_back({*measure::median(together), together.size()});
    begin = end;
  }
  return stability;
}

std::string complaint(const Stability& stability) {
  if (stability.stable()) return {};
  if (stability.modes.size() == 1)
    return fmt::format("UNSTABLE: anything from {:.3g} to {:.3g} ns", stability.least, stability.greatest);
  std::vector<std::string> parts;
  for (const Mode& mode : stability.modes)
    parts.push_back(
        fmt::format("{:.3g} ns in {} window{}", mode.median, mode.windows, mode.windows == 1 ? "" : "s"));
  return fmt::format("UNSTABLE: {}", fmt::join(parts, ", "));
}

}  // namespace mmscale::bench
