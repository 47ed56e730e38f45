// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/families.h"
#include "cli/completion.h"
#include "cli/names.h"
#include "cli/options.h"
#include "machine/simulator/model_store.h"
#include "measure/build_info.h"
#include "measure/output_file.h"
#include "scheme/known.h"
#include "workload/patterns.h"

namespace mmscale::cli {
namespace {

using nlohmann::ordered_json;

// The form of this JSON (docs/describe.md): one more when a name changes its meaning or goes.
constexpr int kForm = 1;

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

ordered_json or_null(std::string_view text) { return text.empty() ? ordered_json() : ordered_json(text); }

ordered_json names_in(const CLI::Option& option) {
  ordered_json names = ordered_json::array();
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

// What a record has under its key, as JSON Schema.
ordered_json in_record(const OptionInfo& info) {
  const auto& more = info.more;
  const auto least = static_cast<std::uint64_t>(more.least);
  if (more.is_counted) return {{"type", "integer"}, {"minimum", 0}};
  switch (info.value) {
    case Value::flag:
      return more.left_out ? ordered_json{{"enum", {true}}} : ordered_json{{"type", "boolean"}};
    case Value::count:
    case Value::duration:
      return {{"type", "integer"}, {"minimum", more.left_out ? std::max(least, more.unused + 1) : least}};
    case Value::number:
      return {{"type", "number"}, {"minimum", least}};
    default:
      // Of a setting's names there are no others; of a table's there were, and will be.
      return more.commands.empty() || more.choices == nullptr ? ordered_json{{"type", "string"}}
                                                              : ordered_json{{"enum", more.choices()}};
  }
}

ordered_json describe(const CLI::App& command, const CLI::Option& option) {
  const bool positional = option.get_positional();
  const std::string name = positional ? option.get_name(true) : option.get_name();
  const OptionInfo* info = positional ? nullptr : find_option(command.get_name(), name);
  ordered_json choices;
  if (info != nullptr && info->more.choices != nullptr) choices = info->more.choices();
  if (name == "--machine") choices = machine::simulator::model_names();
  const std::string_view value = is_flag(option) ? "flag" : info != nullptr ? to_string(info->value) : "text";
  ordered_json described = {{"name", name},
                            {"names", positional ? ordered_json::array({name}) : names_in(option)},
                            {"value", value},
                            {"help", option.get_description()},
                            {"default", or_null(option.get_default_str())},
                            {"required", option.get_required()},
                            {"choices", choices}};
  if (info == nullptr) return described;
  described["record_key"] = or_null(info->key);
  described["condition"] = info->condition;
  described["families"] =
      info->more.families.empty() ? ordered_json() : ordered_json(split_list(info->more.families));
  described["workloads"] =
      info->more.workloads.empty() ? ordered_json() : ordered_json(split_list(info->more.workloads));
  described["page"] = or_null(info->page);
  if (info->condition) described["in_record"] = in_record(*info);
  if (info->more.most > 0 && info->value != Value::duration) {
    described["least"] = info->more.least;
    described["most"] = info->more.most;
  }
  return described;
}

ordered_json describe(const CLI::App& command) {
  ordered_json options = ordered_json::array();
  ordered_json positionals = ordered_json::array();
  for (const CLI::Option* option : command.get_options())
    (option->get_positional() ? positionals : options).push_back(describe(command, *option));
  return {{"name", command.get_name()},
          {"what", command.get_description()},
          {"positionals", positionals},
          {"options", options},
          {"footer", or_null(command.get_footer())}};
}

ordered_json describe_all(const CLI::App& app) {
  ordered_json all = {{"form", kForm}, {"name", app.get_name()}, {"what", app.get_description()}};
  all["options"] = describe(app)["options"];
  all["commands"] = ordered_json::array();
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    all["commands"].push_back(describe(*command));
  all["families"] = ordered_json::array();
  for (const bench::Family& family : bench::families())
    all["families"].push_back({{"name", family.name},
                               {"what", family.what},
                               {"least_cpus", family.least_cpus},
                               {"by_default", family.by_default}});
  all["schemes"] = names_of(scheme::schemes());
  all["lifecycles"] = scheme::lifecycle_names();
  all["workloads"] = names_of(workload::patterns());
  all["machines"] = machine::simulator::model_names();
  return all;
}

std::string text(const ordered_json& all) {
  std::string lines;
  for (const ordered_json& command : all["commands"]) {
    lines += fmt::format("{}  {}\n", command["name"].get<std::string>(), command["what"].get<std::string>());
    for (const ordered_json& option : command["options"]) {
      std::string more;
      if (option.value("condition", false))
        more = fmt::format(" [{} in records, a condition]", option["record_key"].get<std::string>());
      lines += fmt::format("  {:<24} {:<10} {}{}\n", option["name"].get<std::string>(),
                           option["value"].get<std::string>(), option["help"].get<std::string>(), more);
    }
  }
  return lines;
}

void write_pages(const std::string& folder, const ordered_json& all) {
  make_folder_of(folder + "/");
  for (const auto& [name, page] : manual_pages(all, fmt::format("mmscale {}", measure::this_build().version)))
    measure::write_file(folder + "/" + name, page);
}

}  // namespace

void add_describe_command(Start& start) {
  struct DescribeOptions {
    bool json = false;
    bool complete = false;
    std::vector<std::string> words;
    std::string shell;
    std::string folder;
    std::string out;
  };
  auto options = std::make_shared<DescribeOptions>();
  Command command(start, "describe", "List every command and option, and what of it stands in records");
  command.take("--json", options->json);
  command.take("--completion", options->shell);
  command.take("--complete", options->complete);
  command.take_words("WORD", options->words, "With --complete: what stands on the command line so far");
  command.take("--man", options->folder);
  command.take("--out", options->out);
  command.run([&app = start.app, options] {
    if (!options->complete && !options->words.empty())
      throw UsageError(Command(*app.get_subcommand("describe")).unknown_argument(options->words.front()));
    const ordered_json all = describe_all(app);
    // At each tab key: whatever variables name a file or a folder is not for it.
    if (options->complete) {
      fmt::print("{}", candidates(all, options->words));
      return 0;
    }
    if (!options->folder.empty()) {
      write_pages(options->folder, all);
      return 0;
    }
    const std::string said = !options->shell.empty() ? std::string(completion(options->shell))
                             : options->json         ? all.dump(2) + "\n"
                                                     : text(all);
    if (options->out.empty())
      fmt::print("{}", said);
    else
      measure::write_file(options->out, said);
    return 0;
  });
}

}  // namespace mmscale::cli
