// SPDX-License-Identifier: MIT
#include "workload/audit.h"

#include <fmt/format.h>

#include <string_view>

namespace mmscale::workload {

std::vector<std::string> mismatches(const Books& books) {
  std::vector<std::string> problems;
  const auto expect = [&problems](std::int64_t got, std::int64_t want, std::string_view what) {
    if (got != want) problems.push_back(fmt::format("{}: {} instead of {}", what, got, want));
  };
  const auto number = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
  const kernel::Tally& sum = books.sum;
  for (unsigned cpu : books.still_lazy)
    problems.push_back(fmt::format("cpu {} is still lazy on a user mm", cpu));
  const std::int64_t on_init_mm = books.on_init_mm();
  expect(number(sum.lazy_grabs + sum.lazy_grabs_unlazy),
         number(sum.lazy_drops + sum.lazy_drops_unlazy) + on_init_mm,
         "lazy references taken, against returned and held on init_mm");
  expect(books.init_mm_count, 1 + on_init_mm, "init_mm's mm_count");
  expect(books.nohz_nr_cpus, books.ticks_stopped, "nohz.nr_cpus, against CPUs whose tick is stopped");
  expect(number(sum.mms_freed), number(sum.mms_born), "mms freed, against born");
  expect(number(sum.ipis_handled()), number(sum.ipis_sent()), "IPIs handled, against sent");
  expect(number(books.queued), number(sum.ipis_sent()), "requests queued by the machine, against IPIs sent");
  for (const kernel::Oracle::Finding& finding : books.findings)
    problems.push_back(
        fmt::format("{} on cpu {} in {}", to_string(finding.violation), finding.cpu, finding.where));
  if (books.violations > books.findings.size())
    problems.push_back(fmt::format("{} violations in all", books.violations));
  return problems;
}

}  // namespace mmscale::workload
