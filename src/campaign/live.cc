// SPDX-License-Identifier: MIT
#include "campaign/live.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "campaign/console.h"
#include "measure/statistics.h"

namespace mmscale::campaign {
namespace {

constexpr std::size_t kLeastBar = 8;

// What the bars of a group tell apart.
const std::string& label_of(const measure::Record& record) {
  return record.subject.scheme.empty() ? record.subject.transport : record.subject.scheme;
}

// The case's name with a star in place of what the bars tell apart.
std::string group_name(const measure::Record& record) {
  const std::string part = "/" + label_of(record) + "/";
  std::string name = record.name;
  if (const std::size_t at = name.find(part); at != std::string::npos) name.replace(at, part.size(), "/*/");
  return name;
}

std::string cut(std::string text, std::size_t width) {
  if (text.size() > width) text.resize(width);
  return text;
}

// So much of `room` columns as `part` is of 1; what is not nothing is never drawn as nothing.
std::string bar(double part, std::size_t room) {
  const auto length = static_cast<std::size_t>(std::lround(part * static_cast<double>(room)));
  return std::string(part > 0 ? std::clamp<std::size_t>(length, 1, room) : 0, '#');
}

}  // namespace

void LiveView::add(const measure::Record& record) {
  Group& group = group_of(record);
  group.updated = ++windows_;
  // By name, so that a bar's place does not depend on the shuffling.
  auto found = std::ranges::lower_bound(group.bars, label_of(record), {}, &Bar::label);
  if (found == group.bars.end() || found->label != label_of(record))
    found = group.bars.insert(found, Bar{label_of(record), {}, 0});
  ++found->windows;
  if (!record.valid()) {
    last_invalid_ =
        fmt::format("{} #{}: {}", record.name, record.repetition + 1,
                    record.window.verdict.reasons.empty() ? std::string("no reason recorded")
                                                          : record.window.verdict.reasons.front());
    return;
  }
  found->values.push_back(group.timed ? *record.findings.operation_ns : record.rate());
  group.shares.clear();
  for (const measure::CpuWindow& cpu : record.window.cpus)
    if (!group.shares.contains(cpu.package))
      group.shares[cpu.package] = record.window.share_of_package(cpu.package);
  group.shares_of = label_of(record);
}

LiveView::Group& LiveView::group_of(const measure::Record& record) {
  const std::string name = group_name(record);
  for (Group& group : groups_)
    if (group.name == name) return group;
  Group group;
  group.name = name;
  group.timed = record.findings.operation_ns.has_value();
  if (!group.timed) group.unit = record.subject.operation->unit;
  return groups_.emplace_back(std::move(group));
}

std::vector<std::string> LiveView::picture(const Group& group, unsigned width) {
  std::vector<std::string> lines = {
      cut(group.name + (group.timed ? "   (a longer bar is slower)" : ""), width)};
  double most = 0;
  std::size_t labels = 0;
  for (const Bar& one : group.bars) {
    most = std::max(most, measure::median(one.values).value_or(0));
    labels = std::max(labels, one.label.size());
  }
  for (const Bar& one : group.bars) {
    const auto median = measure::median(one.values);
    const std::string value = !median       ? "no valid window"
                              : group.timed ? time_text(*median)
                                            : with_si_prefix(*median) + group.unit;
    const std::string text = fmt::format("{:>18}  {}/{}", value, one.values.size(), one.windows);
    // Indent, two gaps.
    const std::size_t taken = labels + text.size() + 4;
    const std::size_t room = width > taken + kLeastBar ? width - taken : kLeastBar;
    lines.push_back(cut(fmt::format("  {:<{}} {:<{}} {}", one.label, labels,
                                    bar(most > 0 ? median.value_or(0) / most : 0, room), room, text),
                        width));
  }
  if (group.shares.size() < 2) return lines;
  lines.push_back(cut(fmt::format("  rounds by package, last window of {}:", group.shares_of), width));
  // Packages side by side, as many to a line as fit.
  constexpr std::size_t kCell = 24;
  const std::size_t columns = std::max<std::size_t>(1, (std::max(width, 2u) - 2) / kCell);
  std::string line;
  std::size_t placed = 0;
  for (const auto& [package, share] : group.shares) {
    line += fmt::format("{:>5} {:<10} {:>5.1f} % ", package, bar(share, 10), 100 * share);
    if (++placed % columns != 0 && placed != group.shares.size()) continue;
    lines.push_back(cut("  " + line, width));
    line.clear();
  }
  return lines;
}

std::vector<std::string> LiveView::lines(unsigned width, unsigned height) const {
  std::vector<const Group*> latest;
  for (const Group& group : groups_) latest.push_back(&group);
  std::sort(latest.begin(), latest.end(),
            [](const Group* a, const Group* b) { return a->updated > b->updated; });
  const std::size_t room = height - std::min<std::size_t>(height, last_invalid_.empty() ? 0 : 1);
  std::set<const Group*> shown;
  std::size_t used = 0;
  for (const Group* group : latest) {
    const std::size_t needed = picture(*group, width).size();
    // The latest is shown even where it is too tall for the terminal: its first lines.
    if (!shown.empty() && used + needed > room) break;
    shown.insert(group);
    used += needed;
  }
  std::vector<std::string> all;
  for (const Group& group : groups_)
    if (shown.contains(&group))
      for (std::string& line : picture(group, width)) all.push_back(std::move(line));
  if (all.size() > room) all.resize(room);
  if (!last_invalid_.empty() && height > 0) all.push_back(cut("last invalid: " + last_invalid_, width));
  return all;
}

}  // namespace mmscale::campaign
