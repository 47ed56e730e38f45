// SPDX-License-Identifier: MIT
#include "cli/defaults.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <istream>
#include <set>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/messages.h"
#include "cli/names.h"
#include "topology/input_file.h"

namespace mmscale::cli {
namespace {

// The text as one word of a shell's, whatever is in it.
std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string variable_of(const CLI::Option& option) {
  std::string name = "MMSCALE_";
  for (const char c : option.get_lnames().front())
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

// Of the command that is run alone: another's option of the same name takes other values.
void take_variables(CLI::App& command, std::string& command_line) {
  std::string variables;
  for (CLI::Option* option : command.get_options()) {
    if (option->get_lnames().empty() || !option->get_configurable() || option == command.get_help_ptr())
      continue;
    const std::string name = variable_of(*option);
    option->envname(name);
    if (const char* value = ::getenv(name.c_str()); value != nullptr && *value != '\0')
      variables += fmt::format("{}={} ", name, shell_word(value));
  }
  command_line.insert(0, printable(variables));
}

// That every option may be given by a variable is said once, on the manual's first page.
class Formatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = CLI::Formatter::make_option_opts(option);
    const std::string said = fmt::format(" ({}:{})", get_label("Env"), option->get_envname());
    if (const std::size_t at = text.find(said); at != std::string::npos) text.erase(at, said.size());
    return text;
  }
};

}  // namespace

// CLI11's reader, but each value goes to the command that is run, a list is a value with commas in it, and what nobody
// knows is an error.
class ConfigFile : public CLI::ConfigTOML {
 public:
  ConfigFile(CLI::App& app, std::string& command_line) : app_(app), command_line_(command_line) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    const std::vector<CLI::App*> run = app_.get_subcommands();
    if (run.empty()) return {};
    CLI::App& command = *run.back();
    std::vector<CLI::ConfigItem> values;
    for (CLI::ConfigItem& item : CLI::ConfigTOML::from_config(input)) {
      if (item.name == "++" || item.name == "--") continue;
      if (!item.parents.empty() && item.parents != std::vector{command.get_name()}) {
        check_section(item);
        continue;
      }
      const CLI::Option* option = command.get_option_no_throw("--" + item.name);
      if (option == nullptr || !option->get_configurable())
        throw UsageError(fmt::format("{}: {}", file(), Command(command).unknown_argument("--" + item.name)));
      item.parents = {command.get_name()};
      item.inputs = {fmt::format("{}", fmt::join(item.inputs, ","))};
      command_line_ += printable(fmt::format("{} {}={}", values.empty() ? " # " + file() + ":" : "",
                                             item.name, shell_word(item.inputs[0])));
      names_.insert("--" + item.name);
      values.push_back(std::move(item));
    }
    return values;
  }

  // Of the options that came from it.
  const std::set<std::string>& names() const { return names_; }
  std::string file() const { return app_.get_config_ptr()->as<std::string>(); }

 private:
  void check_section(const CLI::ConfigItem& item) const {
    std::vector<std::string> names;
    for (const CLI::App* command : app_.get_subcommands({})) names.push_back(command->get_name());
    const std::vector<std::string_view> allowed(names.begin(), names.end());
    check_name(fmt::format("{}: section", file()), item.parents.front(), allowed);
  }

  CLI::App& app_;
  std::string& command_line_;
  mutable std::set<std::string> names_;
};

Defaults::Defaults(CLI::App& app, std::string& command_line)
    : app_(app), file_(std::make_shared<ConfigFile>(app, command_line)) {
  const auto formatter = std::make_shared<Formatter>();
  app.formatter(formatter);
  const OptionInfo& config = *find_option("", "--config");
  app.set_config("--config", "", std::string(config.help))
      ->check([](const std::string& file) {
        const std::string why = topology::unreadable(file, topology::kMostWrittenBytes);
        return why.empty() ? why : fmt::format("{}: {}", file, why);
      })
      ->type_name("FILE");
  app.config_formatter(file_);
  Command(app).take("--quiet", quiet());
  for (CLI::App* command : app.get_subcommands({})) {
    command->formatter(formatter);
    Command(*command).take("--quiet", quiet());
    command
        ->add_option_function<std::string>(
            "--config", [&app](const std::string& file) { app.get_config_ptr()->add_result(file); },
            std::string(config.help))
        ->trigger_on_parse()
        ->configurable(false)
        ->type_name("FILE");
    command->preparse_callback(
        [command, &command_line](std::size_t) { take_variables(*command, command_line); });
  }
}

std::string Defaults::with_origin(const std::string& what) const {
  const std::size_t at = std::min(what.find("--"), what.size());
  const std::string name = what.substr(at, what.find_first_of(": ", at) - at);
  if (file_->names().contains(name)) return fmt::format("{}: {}", file_->file(), what);
  for (const CLI::App* command : app_.get_subcommands()) {
    const CLI::Option* option = command->get_option_no_throw(name);
    if (option == nullptr || option->get_envname().empty() || option->count() == 0) continue;
    const char* value = ::getenv(option->get_envname().c_str());
    if (value != nullptr && option->results().front() == value)
      return fmt::format("{}: {}", option->get_envname(), what);
  }
  return what;
}

}  // namespace mmscale::cli
