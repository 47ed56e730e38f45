// SPDX-License-Identifier: MIT
#include "measure/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mmscale::measure {

void Findings::put(std::string_view name, const Histogram& values, double scale) {
  struct Quantile {
    std::string_view suffix;
    double p;
  };
  constexpr std::array<Quantile, 5> kQuantiles = {
      {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}}};
  for (const Quantile& quantile : kQuantiles)
    if (const auto value = values.quantile(quantile.p))
      put(fmt::format("{}_{}", name, quantile.suffix), *value * scale);
  if (const auto mean = values.mean()) put(fmt::format("{}_mean", name), *mean * scale);
  put(fmt::format("{}_count", name), static_cast<double>(values.count()));
}

std::optional<double> Findings::counter(std::string_view name) const {
  const auto found =
      std::find_if(counters.begin(), counters.end(), [&](const auto& c) { return c.first == name; });
  if (found == counters.end()) return std::nullopt;
  return found->second;
}

}  // namespace mmscale::measure
