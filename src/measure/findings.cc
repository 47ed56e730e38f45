// SPDX-License-Identifier: MIT
#include "measure/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace mmscale::measure {

namespace {

struct Quantile {
  std::string_view suffix;
  double p;
};
constexpr std::array<Quantile, 5> kQuantiles = {
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}}};

}  // namespace

void Findings::put(std::string_view name, const Histogram& values, double scale) {
  for (const Quantile& quantile : kQuantiles)
    if (const auto value = values.quantile(quantile.p))
      put(fmt::format("{}_{}", name, quantile.suffix), *value * scale);
  if (const auto mean = values.mean()) put(fmt::format("{}_mean", name), *mean * scale);
  put(fmt::format("{}_count", name), static_cast<double>(values.count()));
  distributions.emplace_back(name, std::make_shared<const Histogram>(values));
}

void Findings::add_details(const nlohmann::ordered_json& more) {
  auto all = details ? *details : nlohmann::ordered_json::object();
  all.update(more);
  details = std::make_shared<const nlohmann::ordered_json>(std::move(all));
}

void Findings::bound_errors(double disturbed) {
  for (const auto& [name, values] : distributions)
    for (const Quantile& quantile : kQuantiles) {
      // Values that were disturbed may all lie on one side: what is called the p quantile is another one of the rest.
      const double low = quantile.p - disturbed;
      const double high = quantile.p + disturbed;
      const auto at = values->quantile(quantile.p);
      if (!at || *at <= 0 || low < 0 || (high > 1 && disturbed > 0)) continue;
      put(fmt::format("{}_{}_error", name, quantile.suffix),
          std::max(*values->quantile(std::min(high, 1.0)) - *at, *at - *values->quantile(low)) / *at);
    }
  distributions.clear();
}

std::optional<double> Findings::counter(std::string_view name) const {
  const auto found =
      std::find_if(counters.begin(), counters.end(), [&](const auto& c) { return c.first == name; });
  if (found == counters.end()) return std::nullopt;
  return found->second;
}

}  // namespace mmscale::measure
