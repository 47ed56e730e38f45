// SPDX-License-Identifier: MIT
#include "cli/case_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/names.h"
#include "topology/home.h"
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
  } catch (const std::runtime_error& error) {
    const std::string_view meant = nearest(text, names);
    throw UsageError(fmt::format("{}: {}{}", option, error.what(),
                                 meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant)));
  }
}

bool share_any(std::string_view users, const std::vector<std::string>& chosen) {
  if (users.empty()) return true;
  const std::vector<std::string> each = split_list(users);
  return std::any_of(chosen.begin(), chosen.end(), [&each](const std::string& name) {
    return std::find(each.begin(), each.end(), name) != each.end();
  });
}

}  // namespace

void take_case_options(Command& command, CaseOptions& options) {
  command.take("--family", options.families);
  command.take("--scheme", options.schemes);
  command.take("--workload", options.workloads);
  command.take("--sharing", options.sharings);
  command.take("--placement", options.placements);
  command.take("--cpus", options.cpus);
  command.take("--home", options.home);
  command.take("--lifecycle", options.lifecycle);
  command.take(options.settings);
  command.take("--window", options.window);
  command.take("--warm", options.warm);
  command.take("--out", options.out);
  command.take("--unsafe", options.unsafe);
  command.take("--dry-run", options.dry_run);
}

campaign::Choice choose(const CaseOptions& options, const ChosenLifecycle& own) {
  campaign::Choice choice;
  choice.families = options.families;
  choice.workloads = options.workloads;
  const auto& [lifecycle, why] =
      options.lifecycle.empty() ? own : ChosenLifecycle{options.lifecycle, "asked for"};
  choice.lifecycle = lifecycle;
  choice.lifecycle_reason = why;
  choice.settings = options.settings;
  choice.settings.rules = rules_under(lifecycle, options.settings.rules);
  const workload::PatternParameters& processes = options.settings.processes;
  if (processes.migrate_every == 1)
    throw UsageError("--migrate-every 1: must be 0, or at least 2 processes of which one migrates");
  if (processes.lifetime % 2 != 0)
    throw UsageError(
        fmt::format("--lifetime {}: must be an even number of switches, at least 2", processes.lifetime));
  choice.schemes =
      choose_schemes(options.schemes, options.unsafe, lifecycle, choice.settings.rules, choice.workloads);
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
  choice.home_node = options.home;
  return choice;
}

void check_window(std::chrono::nanoseconds window, std::chrono::nanoseconds shortest) {
  if (window < shortest)
    throw UsageError(fmt::format("--window: '{}' is shorter than {}, in which nothing could be counted",
                                 duration_text(window), duration_text(shortest)));
}

void check_home(const topology::Layout& layout, std::optional<std::uint32_t> home, std::string_view where) {
  if (!home) return;
  std::vector<unsigned> nodes;
  for (const topology::NumaNode& node : layout.numa_nodes)
    if (topology::has_memory(layout, node)) nodes.push_back(node.os_index);
  if (nodes.empty()) nodes.push_back(0);
  if (std::find(nodes.begin(), nodes.end(), *home) == nodes.end())
    throw UsageError(fmt::format("--home {}: {} has no such NUMA node with memory for us; there are {}",
                                 *home, where, fmt::join(nodes, ", ")));
}

void say_unused(const Command& command, const campaign::Choice& choice) {
  for (const OptionInfo* option : command.given()) {
    const std::string name = split_list(option->name.substr(option->name.rfind(' ') + 1)).back();
    if (!share_any(option->more.families, choice.families))
      fmt::print(stderr, "mmscale: {}: not used by family {}; it is for {}\n", name,
                 fmt::join(choice.families, ", "), option->more.families);
    else if (std::find(choice.families.begin(), choice.families.end(), "switch") != choice.families.end() &&
             choice.families.size() == 1 && !share_any(option->more.workloads, choice.workloads))
      fmt::print(stderr, "mmscale: {}: not used by workload {}; it is for {}\n", name,
                 fmt::join(choice.workloads, ", "), option->more.workloads);
  }
}

}  // namespace mmscale::cli
