// SPDX-License-Identifier: MIT
#include "workload/simulator_loads.h"

#include <algorithm>

namespace mmscale::workload {

void SimulatorLoad::open_window(unsigned cpu) {
  opened_.resize(cpus());
  opened_[cpu] = {world().spent(cpu), world().hand_overs().size()};
}

void SimulatorLoad::close_window(unsigned cpu) {
  Opened& opened = opened_[cpu];
  opened.spent = world().spent(cpu).since(opened.spent);
  opened.last = world().hand_overs().size();
}

machine::simulator::Spent SimulatorLoad::spent() const {
  machine::simulator::Spent all;
  for (const Opened& opened : opened_) all += opened.spent;
  return all;
}

std::vector<machine::simulator::HandOver> SimulatorLoad::hand_overs() const {
  const std::vector<machine::simulator::HandOver>& all = world().hand_overs();
  std::vector<machine::simulator::HandOver> own;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (const Opened& opened = opened_[all[i].to]; i >= opened.first && i < opened.last)
      own.push_back(all[i]);
  return own;
}

std::vector<LineReport> SimulatorLoad::busiest_lines(std::size_t most) const {
  const machine::simulator::Lines& lines = world().lines();
  std::vector<std::uint32_t> order;
  for (std::uint32_t line = 0; line < lines.size(); ++line)
    if (lines.statistics(line).requests != 0) order.push_back(line);
  // Equals in the order of their first access, which is the same in every run.
  std::ranges::stable_sort(order, std::greater{},
                           [&](std::uint32_t line) { return lines.statistics(line).waited; });
  order.resize(std::min(order.size(), most));
  std::vector<LineReport> reports;
  for (const std::uint32_t line : order) {
    const auto kept = lines.kept(line);
    reports.push_back({what_is(lines.address_of(line)), lines.statistics(line), {kept.begin(), kept.end()}});
  }
  return reports;
}

}  // namespace mmscale::workload
