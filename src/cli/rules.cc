// SPDX-License-Identifier: MIT
#include "cli/rules.h"

#include <fmt/format.h>

#include "cli/names.h"
#include "cli/own_lifecycle.h"
#include "scheme/known.h"

namespace mmscale::cli {
namespace {

bool by_name(std::string_view asked) { return !asked.empty() && asked != "all"; }

// Which lifecycle's rules keep the scheme safe: the first there is.
std::string safe_elsewhere(std::string_view scheme, const kernel::Rules& rules,
                           const std::vector<std::string>& workloads) {
  for (const std::string_view lifecycle : scheme::lifecycle_names())
    if (why_unsafe(scheme, lifecycle, rules, workloads).empty())
      return fmt::format("; safe with --lifecycle {}", lifecycle);
  return {};
}

}  // namespace

kernel::Rules rules_under(std::string_view lifecycle, kernel::Rules rules) {
  if (!rules.irqs_off_activate_mm)
    rules.irqs_off_activate_mm = scheme::lifecycle_info(lifecycle).wants_irqs_off_activate_mm;
  return rules;
}

std::string why_unsafe(std::string_view scheme, std::string_view lifecycle, const kernel::Rules& rules,
                       const std::vector<std::string>& workloads) {
  const scheme::Safety safety = scheme::find_scheme(scheme)->judged_under(lifecycle);
  if (!safety.safe) return fmt::format("unsafe under lifecycle {}: {}", lifecycle, safety.because);
  if (safety.only_with == scheme::kIrqsOffActivateMm && !rules.irqs_off_activate_mm.value_or(true))
    return fmt::format(
        "unsafe under lifecycle {} without --irqs-off-activate-mm: a kernel thread's exec has the new "
        "active_mm while the old mm is still loaded, and a CPU that is asked in between says no too early",
        lifecycle);
  const bool replugs = topology::contains(workloads, "hotplug");
  if (rules.hotplug == kernel::Hotplug::before && replugs && scheme::must_reach_borrowers(scheme))
    return "unsafe with --hotplug before: a CPU that goes offline is out of every mask, and takes no IPI, "
           "while it still borrows (fixed by 21641bd9a7a7)";
  return {};
}

std::string left_out(std::string_view asked, const std::vector<std::string>& chosen) {
  std::vector<std::string_view> names;
  if (by_name(asked)) return {};
  for (const std::string_view name : names_of(scheme::schemes()))
    if (!topology::contains(chosen, name)) names.push_back(name);
  if (names.empty()) return {};
  return fmt::format("; unsafe there, and left out without --unsafe: {}", fmt::join(names, ", "));
}

std::vector<std::string> choose_schemes(std::string_view asked, bool unsafe, std::string_view lifecycle,
                                        const kernel::Rules& rules,
                                        const std::vector<std::string>& workloads) {
  const auto known = names_of(scheme::schemes());
  std::vector<std::string> chosen;
  for (const std::string& name : parse_names("--scheme", by_name(asked) ? asked : "all", known)) {
    const std::string why = why_unsafe(name, lifecycle, rules, workloads);
    if (why.empty() || unsafe)
      chosen.push_back(name);
    else if (by_name(asked))
      throw UsageError(fmt::format("--scheme {}: {}{}; --unsafe runs it all the same", name, why,
                                   safe_elsewhere(name, rules, workloads)));
  }
  return chosen;
}

std::vector<std::pair<std::string, std::string>> safety_on_this_host(
    const std::vector<std::string>& schemes) {
  const std::string host = own_lifecycle();
  if (host.empty()) return {};
  std::vector<std::pair<std::string, std::string>> facts = {{"host_lifecycle", host}};
  for (const std::string& scheme : schemes) {
    const std::string why = why_unsafe(scheme, host, rules_under(host), {});
    const std::string known = fmt::format("unsafe under lifecycle {}: ", host);
    if (!why.empty())
      facts.emplace_back("unsafe_here_" + scheme, why.starts_with(known) ? why.substr(known.size()) : why);
  }
  return facts;
}

}  // namespace mmscale::cli
