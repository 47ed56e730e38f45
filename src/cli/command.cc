// SPDX-License-Identifier: MIT
#include "cli/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <concepts>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "cli/names.h"
#include "workload/settings.h"

namespace mmscale::cli {
namespace {

// "-o,--out" of "record -o,--out".
std::string own_names(const OptionInfo& info) {
  const std::size_t command = info.name.find(' ');
  return std::string(info.name.substr(command == std::string_view::npos ? 0 : command + 1));
}

// What is given as text, as its option has it; throws UsageError.
template <std::unsigned_integral Count>
void read(const OptionInfo& info, std::string_view name, std::string_view text, Count& count) {
  count = static_cast<Count>(parse_count(name, text, static_cast<std::uint64_t>(info.more.least),
                                         static_cast<std::uint64_t>(info.more.most), info.more.or_none));
}
void read(const OptionInfo& info, std::string_view name, std::string_view text, double& number) {
  number = parse_number(name, text, info.more.least, info.more.most);
}
void read(const OptionInfo&, std::string_view name, std::string_view text, std::chrono::nanoseconds& time) {
  time = parse_duration(name, text);
}
void read(const OptionInfo& info, std::string_view name, std::string_view text, std::string& variable) {
  if (info.value == Value::name && info.more.choices != nullptr) check_name(name, text, info.more.choices());
  variable = text;
}
void read(const OptionInfo& info, std::string_view name, std::string_view text,
          std::vector<std::string>& names) {
  names = parse_names(name, text, info.more.choices());
}
void read(const OptionInfo& info, std::string_view name, std::string_view text,
          std::vector<std::uint32_t>& counts) {
  std::vector<std::uint32_t> all;
  for (const std::string& part : split_list(text)) read(info, name, part, all.emplace_back());
  counts = std::move(all);
}
template <class T>
void read(const OptionInfo& info, std::string_view name, std::string_view text, std::optional<T>& variable) {
  T value{};
  read(info, name, text, value);
  variable = value;
}

// A default, as the help has it.
std::string shown(const auto& value) { return fmt::format("{}", value); }
std::string shown(std::chrono::nanoseconds time) { return duration_text(time); }
template <class T>
std::string shown(const std::vector<T>& values) {
  return fmt::format("{}", fmt::join(values, ","));
}
template <class T>
std::string shown(const std::optional<T>&) {
  return {};
}

// What a flag may be told: --flag=no, MMSCALE_FLAG=1, flag = true in a file.
std::string no_truth(const std::string& text) {
  try {
    CLI::detail::to_flag_value(text);
    return {};
  } catch (const std::exception&) {
    return fmt::format("'{:.60}' is neither true nor false", text);
  }
}

}  // namespace

Command::Command(Start& start, std::string name, std::string what)
    : start_(&start), command_(start.app.add_subcommand(std::move(name), std::move(what))) {}

const OptionInfo& Command::definition(std::string_view name) const {
  if (const OptionInfo* info = find_option(command_->get_name(), name)) return *info;
  throw std::logic_error(fmt::format("{} is not defined (src/cli/options.cc)", name));
}

// "$FILE" of a script where FILE is not set: to take it for not given would lose records.
void Command::add(std::string_view name, std::string otherwise,
                  std::function<void(const std::string&)> parse) {
  const OptionInfo& info = definition(name);
  CLI::Option* option = command_->add_option(
      own_names(info),
      [name = std::string(name), parse = std::move(parse)](const CLI::results_t& given) {
        if (given.back().empty()) throw UsageError(fmt::format("{}: its value is empty", name));
        parse(given.back());
        return true;
      },
      std::string(info.help), !otherwise.empty());
  if (!otherwise.empty()) option->default_str(std::move(otherwise));
  option->type_name(std::string(placeholder(info.value)));
  option->type_size(1)->expected(1);
}

// Not CLI11's own for a variable: it takes what can be made of a number for a count, and sets it to 0 at once.
void Command::add_flag(std::string_view name, std::function<void(bool)> set) {
  const OptionInfo& info = definition(name);
  command_
      ->add_flag_function(
          own_names(info), [set = std::move(set)](std::int64_t times) { set(times > 0); },
          std::string(info.help))
      ->check(no_truth);
}

void Command::take(std::string_view name, std::string& variable, std::string_view otherwise) {
  command_->add_option(std::string(name), variable, std::string(definition(name).help))
      ->expected(0, 1)
      ->default_str(std::string(otherwise));
}

void Command::require(std::string_view name, std::string& variable) {
  take(name, variable);
  command_->get_option(std::string(name))->required();
}

void Command::either(std::string_view name, std::string_view other) {
  command_->get_option(std::string(name))->excludes(std::string(other));
}

template <class T>
void Command::take(std::string_view name, T& variable) {
  if constexpr (std::is_same_v<T, bool>)
    add_flag(name, [&variable, otherwise = variable](bool yes) { variable = yes != otherwise; });
  else
    add(name, shown(variable),
        [&info = definition(name), name = std::string(name), &variable](const std::string& text) {
          read(info, name, text, variable);
        });
}

template void Command::take(std::string_view, bool&);
template void Command::take(std::string_view, double&);
template void Command::take(std::string_view, std::uint32_t&);
template void Command::take(std::string_view, std::uint64_t&);
template void Command::take(std::string_view, std::string&);
template void Command::take(std::string_view, std::chrono::nanoseconds&);
template void Command::take(std::string_view, std::optional<std::uint32_t>&);
template void Command::take(std::string_view, std::optional<std::chrono::nanoseconds>&);
template void Command::take(std::string_view, std::vector<std::uint32_t>&);
template void Command::take(std::string_view, std::vector<std::string>&);

void Command::take(workload::Settings& settings) {
  for (const workload::Setting& one : workload::settings()) {
    const std::vector<std::string> commands = split_list(one.more.commands);
    if (!topology::contains(commands, command_->get_name())) continue;
    const std::string_view name = one.name.substr(one.name.rfind(' ') + 1);
    const std::string_view first = name.substr(0, name.find(','));
    const std::uint64_t otherwise = one.get(settings).value_or(0);
    if (one.value == Value::flag) {
      add_flag(first, [&, otherwise](bool yes) { one.set(settings, yes != (otherwise != 0)); });
      continue;
    }
    const auto names = one.more.choices != nullptr ? one.more.choices() : std::vector<std::string_view>();
    const std::string shown = one.value == Value::count  ? fmt::format("{}", otherwise)
                              : one.value == Value::name ? std::string(names[otherwise])
                                                         : std::string();
    add(first, shown, [&, name = first, names](const std::string& text) {
      if (one.value == Value::name) {
        check_name(name, text, names);
        one.set(settings, static_cast<std::uint64_t>(std::ranges::find(names, text) - names.begin()));
      } else if (one.value == Value::count) {
        std::uint64_t count = 0;
        read(one, name, text, count);
        one.set(settings, count);
      } else {
        const auto most = std::chrono::nanoseconds(static_cast<std::int64_t>(one.more.most));
        one.set(settings, static_cast<std::uint64_t>(parse_duration(name, text, {}, most).count()));
      }
    });
  }
}

void Command::take_words(std::string name, std::vector<std::string>& words, std::string what) {
  command_->add_option(std::move(name), words, std::move(what));
}

void Command::require_word(std::string name, std::string& word, std::string what) {
  command_->add_option(std::move(name), word, std::move(what))->required();
}

void Command::leave_rest() { command_->allow_extras(); }
std::vector<std::string> Command::rest() const { return command_->remaining(); }

std::string Command::unknown_argument(std::string_view argument) const {
  std::vector<std::string> names;
  for (const CLI::Option* option : command_->get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  const std::vector<std::string_view> allowed(names.begin(), names.end());
  const std::string_view name = argument.substr(0, argument.find('='));
  const std::string_view meant = name.starts_with("--") ? nearest(name, allowed) : std::string_view();
  const std::string whose = command_->get_parent() == nullptr ? "" : " " + command_->get_name();
  return fmt::format("unknown argument '{:.200}'{}; mmscale{} --help lists them", argument,
                     meant.empty() ? "" : fmt::format(", did you mean '{}'?", meant), whose);
}

std::vector<const OptionInfo*> Command::given() const {
  std::vector<const OptionInfo*> all;
  for (const CLI::Option* option : command_->get_options())
    if (option->count() > 0)
      if (const OptionInfo* info = find_option(command_->get_name(), option->get_name())) all.push_back(info);
  return all;
}

void Command::footer(std::string text) { command_->footer(std::move(text)); }

void Command::run(std::function<int()> action) {
  command_->callback([start = start_, action = std::move(action)] { start->status = action(); });
}

}  // namespace mmscale::cli
