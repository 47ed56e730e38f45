// SPDX-License-Identifier: MIT
#include "campaign/formats.h"

#include <fmt/format.h>

#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "measure/statistics.h"

namespace mmscale::campaign {
namespace {

using measure::Record;

using Figures = std::vector<std::pair<std::string, double>>;

// The medians of the valid windows, in the order of the record's counters; then how many windows there are.
Figures figures_of(const std::vector<Record>& repetitions) {
  nlohmann::ordered_map<std::string, std::vector<double>> values;
  std::size_t valid = 0;
  for (const Record& record : repetitions) {
    if (!record.valid()) continue;
    ++valid;
    for (const auto& [name, value] : record.counters()) values[name].push_back(value);
  }
  Figures figures;
  for (const auto& [name, all] : values)
    if (const auto median = measure::median(all)) figures.emplace_back(name, *median);
  figures.emplace_back("windows", static_cast<double>(repetitions.size()));
  figures.emplace_back("valid_windows", static_cast<double>(valid));
  return figures;
}

// With the characters that a name may have, the others as `_`.
std::string metric_name(std::string_view counter) {
  std::string name = "mmscale_" + std::string(counter);
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

std::string lkp_key(std::string_view case_name) {
  std::string key(case_name);
  for (char& c : key)
    c = c == '/' ? '.' : c == ':' || std::isspace(static_cast<unsigned char>(c)) != 0 ? '_' : c;
  return key;
}

std::string label(std::string_view name, std::string_view value) {
  // Its escapes are JSON's.
  return value.empty() ? std::string() : fmt::format(",{}={}", name, nlohmann::json(value).dump());
}

std::string labels(const Record& record) {
  const measure::Subject& s = record.subject;
  const std::string all = label("case", record.name) + label("family", s.family) +
                          label("workload", s.workload) + label("scheme", s.scheme) +
                          label("sharing", s.sharing) + label("placement", s.placement) +
                          label("lifecycle", s.lifecycle) + label("cpus", std::to_string(s.pus.size()));
  return all.substr(1);
}

}  // namespace

std::vector<std::string_view> formats() { return {"console", "json", "csv", "lkp", "prometheus"}; }

std::string lkp(std::span<const std::vector<Record>> cases) {
  std::string text;
  for (const auto& repetitions : cases)
    if (!repetitions.empty())
      for (const auto& [name, value] : figures_of(repetitions))
        text += fmt::format("{}.{}: {}\n", lkp_key(repetitions.front().name), name, value);
  return text;
}

std::string prometheus(std::span<const std::vector<Record>> cases) {
  // All of a metric's lines stand together.
  nlohmann::ordered_map<std::string, std::string> metrics;
  for (const auto& repetitions : cases) {
    if (repetitions.empty()) continue;
    for (const auto& [name, value] : figures_of(repetitions)) {
      const std::string metric = metric_name(name);
      std::string& lines = metrics.emplace(metric, fmt::format("# TYPE {} gauge\n", metric)).first->second;
      lines += fmt::format("{}{{{}}} {}\n", metric, labels(repetitions.front()), value);
    }
  }
  std::string text;
  for (const auto& [metric, lines] : metrics) text += lines;
  return text;
}

}  // namespace mmscale::campaign
