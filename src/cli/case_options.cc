// SPDX-License-Identifier: MIT
#include "cli/case_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/names.h"
#include "topology/placement.h"
#include "topology/sharing.h"

namespace mmscale::cli {
namespace {

// What `parse` makes of `text`; its message, with what was probably meant, as the option's usage error.
template <class Parse>
auto parse_or_suggest(std::string_view option, const std::string& text,
                      std::span<const std::string_view> names, Parse parse) {
  try {
    return parse(text);
  } catch (const std::invalid_argument& error) {
    const std::string_view meant = nearest(text, names);
    throw UsageError(fmt::format("{}: {}{}", option, error.what(),
                                 meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant)));
  }
}

bool share_any(std::string_view users, const std::vector<std::string>& chosen) {
  return users.empty() || std::ranges::find_first_of(chosen, split_list(users)) != chosen.end();
}

}  // namespace

void take_case_options(Command& command, CaseOptions& options) {
  options.choice.workloads = {"idle", "kthread", "user", "exit"};
  options.choice.lifecycle.clear();
  command.take("--family", options.choice.families);
  command.take("--scheme", options.schemes);
  command.take("--workload", options.choice.workloads);
  command.take("--sharing", options.sharings);
  command.take("--placement", options.placements);
  command.take("--cpus", options.cpus);
  command.take("--home", options.choice.home_node);
  command.take("--lifecycle", options.choice.lifecycle);
  command.take(options.choice.settings);
  command.take("--window", options.window);
  command.take("--warm", options.warm);
  command.take("--out", options.out);
  command.take("--unsafe", options.unsafe);
  command.take("--dry-run", options.dry_run);
}

campaign::Choice choose(const CaseOptions& options, const ChosenLifecycle& own) {
  campaign::Choice choice = options.choice;
  choice.lifecycle_reason = choice.lifecycle.empty() ? own.why : "asked for";
  if (choice.lifecycle.empty()) choice.lifecycle = own.name;
  choice.settings.rules = rules_under(choice.lifecycle, choice.settings.rules);
  const workload::PatternParameters& processes = choice.settings.processes;
  if (processes.lifetime % 2 != 0)
    throw UsageError(
        fmt::format("--lifetime {}: must be an even number of switches, at least 2", processes.lifetime));
  choice.schemes = choose_schemes(options.schemes, options.unsafe, choice.lifecycle, choice.settings.rules,
                                  choice.workloads);
  for (const std::string& text : each_of(options.sharings))
    choice.sharings.push_back(
        parse_or_suggest("--sharing", text, topology::kSharingNames, topology::parse_sharing));
  // A CPU list has commas of its own: it is the only placement then.
  if (options.placements == "all")
    for (const std::string_view name : topology::kPlacementNames)
      choice.placements.push_back(topology::parse_placement(std::string(name)));
  else if (options.placements.find_first_not_of("0123456789,-") == std::string::npos)
    choice.placements.push_back(topology::parse_placement(options.placements));
  else
    for (const std::string& text : each_of(options.placements))
      choice.placements.push_back(
          parse_or_suggest("--placement", text, topology::kPlacementNames, topology::parse_placement));
  return choice;
}

void check_window(std::chrono::nanoseconds window, std::chrono::nanoseconds shortest) {
  if (window < shortest)
    throw UsageError(fmt::format("--window: '{}' is shorter than {}, in which nothing could be counted",
                                 duration_text(window), duration_text(shortest)));
}

void say_unused(const Command& command, const campaign::Choice& choice) {
  for (const OptionInfo* option : command.given()) {
    const std::string name = split_list(option->name.substr(option->name.rfind(' ') + 1)).back();
    if (!share_any(option->more.families, choice.families))
      fmt::print(stderr, "mmscale: {}: not used by family {}; it is for {}\n", name,
                 fmt::join(choice.families, ", "), option->more.families);
    else if (choice.families == std::vector<std::string>{"switch"} &&
             !share_any(option->more.workloads, choice.workloads))
      fmt::print(stderr, "mmscale: {}: not used by workload {}; it is for {}\n", name,
                 fmt::join(choice.workloads, ", "), option->more.workloads);
  }
}

}  // namespace mmscale::cli
