// SPDX-License-Identifier: MIT
#include "measure/cpuinfo.h"

#include <fmt/format.h>

#include <strings.h>
#include <algorithm>

#include "measure/text_file.h"

namespace mmscale::measure {
namespace {

std::optional<std::string> model_of(const CpuInfoFields& fields) {
  if (auto name = field(fields, "model name")) return name;
  if (auto name = field(fields, "cpu")) return name;
  const auto implementer = field(fields, "CPU implementer");
  const auto part = field(fields, "CPU part");
  if (implementer && part) {
    return fmt::format("arm implementer {} part {} variant {}", *implementer, *part,
                       field(fields, "CPU variant").value_or("unknown"));
  }
  if (auto name = field(fields, "uarch")) return name;
  return field(fields, "isa");
}

void take(CpuInfo& info, CpuInfoFields&& paragraph) {
  if (paragraph.empty()) return;
  const auto cpu =
      paragraph.front().first == "processor" ? to_integer(paragraph.front().second) : std::nullopt;
  if (cpu && *cpu >= 0)
    info.processors.push_back({static_cast<unsigned>(*cpu), std::move(paragraph)});
  else
    std::move(paragraph.begin(), paragraph.end(), std::back_inserter(info.machine));
}

}  // namespace

CpuInfo parse_cpuinfo(std::string_view text) {
  CpuInfo info;
  CpuInfoFields paragraph;
  while (!text.empty()) {
    const auto line = next_line(text);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos)
      paragraph.emplace_back(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
    else if (trimmed(line).empty())
      take(info, std::exchange(paragraph, {}));
  }
  take(info, std::move(paragraph));
  return info;
}

std::optional<std::string> field(const CpuInfoFields& fields, std::string_view key) {
  for (const auto& [name, value] : fields)
    if (name.size() == key.size() && ::strncasecmp(name.data(), key.data(), key.size()) == 0) return value;
  return std::nullopt;
}

std::string cpu_model(const CpuInfo& info, std::span<const unsigned> cpus) {
  std::vector<std::string> models;
  for (const auto& processor : info.processors) {
    if (!cpus.empty() && std::find(cpus.begin(), cpus.end(), processor.cpu) == cpus.end()) continue;
    auto model = model_of(processor.fields);
    if (model && std::find(models.begin(), models.end(), *model) == models.end())
      models.push_back(std::move(*model));
  }
  if (!models.empty()) return fmt::format("{}", fmt::join(models, " + "));
  // s390 has one line per CPU instead of a paragraph, and older arm one name for the machine.
  if (auto machine = field(info.machine, "processor 0")) return *machine;
  return model_of(info.machine).value_or("unknown");
}

bool is_x86(const CpuInfo& info) {
  return !info.processors.empty() && field(info.processors.front().fields, "flags") &&
         field(info.processors.front().fields, "vendor_id");
}

}  // namespace mmscale::measure
