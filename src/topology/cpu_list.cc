// SPDX-License-Identifier: MIT
#include "topology/cpu_list.h"

#include <fmt/format.h>

#include <optional>
#include <stdexcept>

#include "topology/text.h"

namespace mmscale::topology {
namespace {

std::optional<unsigned> parse_number(std::string_view text) {
  const auto value = number<unsigned>(text);
  return value && *value <= kMaxCpuIndex ? value : std::nullopt;
}

// Splits "left<separator>right"; right is `otherwise` where there is no separator.
struct Halves {
  std::string_view left, right;
};
Halves split(std::string_view text, char separator, std::string_view otherwise) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return {text, otherwise};
  return {text.substr(0, at), text.substr(at + 1)};
}

}  // namespace

std::vector<unsigned> parse_cpu_list(std::string_view text) {
  std::vector<unsigned> cpus;
  for (const std::string& item : split_list(text)) {
    const auto [range, stride_text] = split(item, ':', "1");
    const auto [first_text, last_text] = split(range, '-', range);
    const auto first = parse_number(first_text);
    const auto last = parse_number(last_text);
    const auto stride = parse_number(stride_text);
    if (!first || !last || !stride || *stride == 0 || *last < *first) {
      throw std::invalid_argument(fmt::format(
          "CPU list '{}': '{}' is neither a CPU (0-{}) nor an ascending range; write it like 0,4-7 or 0-30:2",
          text, item, kMaxCpuIndex));
    }
    for (unsigned cpu = *first; cpu <= *last; cpu += *stride) cpus.push_back(cpu);
  }
  return cpus;
}

std::string format_cpu_list(std::span<const unsigned> cpus, std::size_t max_items) {
  std::string text;
  std::size_t items = 0;
  for (std::size_t i = 0; i < cpus.size(); ++items) {
    if (max_items != 0 && items == max_items) return text + fmt::format(",... ({} CPUs)", cpus.size());
    std::size_t end = i + 1;
    unsigned stride = 0;
    if (end < cpus.size() && cpus[end] > cpus[i]) {
      stride = cpus[end] - cpus[i];
      while (end < cpus.size() && cpus[end] > cpus[end - 1] && cpus[end] - cpus[end - 1] == stride) ++end;
      // Two CPUs some way apart are no pattern: the second one may begin a longer run.
      if (stride > 1 && end - i < 3) end = i + 1;
    }
    if (i != 0) text += ',';
    text += fmt::to_string(cpus[i]);
    if (end - i > 1) text += fmt::format("-{}", cpus[end - 1]);
    if (end - i > 1 && stride > 1) text += fmt::format(":{}", stride);
    i = end;
  }
  return text;
}

}  // namespace mmscale::topology
