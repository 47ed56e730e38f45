// SPDX-License-Identifier: MIT
//
// A command of `mmscale` as its own source sees it: what it takes, by the definitions of options.h, and what it does.
// What reads command lines, CLI11, stands behind: its headers take longer to compile than all of a command's own.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"

namespace CLI {
class App;
}
namespace mmscale::workload {
struct Settings;
}

namespace mmscale::cli {

// One start of `mmscale`.
struct Start {
  CLI::App& app;
  // What was typed, and what files and the environment gave besides: it goes into the records.
  std::string command_line;
  // What stands behind the first "--", if there is one; what reads command lines takes that away.
  std::optional<std::vector<std::string>> behind_dashes = {};
  // The exit status.
  int status = 0;
};

// Every variable must be there until the command has run; its value when it is taken is the default.
class Command {
 public:
  // A new one.
  Command(Start& start, std::string name, std::string what);
  // One that is there.
  explicit Command(CLI::App& command) : command_(&command) {}

  // An option, by its definition. A text is one of its choices, if there are any; of a list of names each is taken once, and
  // all for "all"; an optional is empty until something is given. A flag turns over what there is.
  template <class T>
  void take(std::string_view name, T& variable);
  // All settings that this command takes.
  void take(workload::Settings& settings);
  // One whose value may be left out, and is then `otherwise`.
  void take(std::string_view name, std::string& variable, std::string_view otherwise);
  // One that the command cannot do without.
  void require(std::string_view name, std::string& variable);
  // Two that exclude each other.
  void either(std::string_view name, std::string_view other);

  // What stands there without an option's name: any number of words, or one that must be there.
  void take_words(std::string name, std::vector<std::string>& words, std::string what);
  void require_word(std::string name, std::string& word, std::string what);

  // Arguments that nobody knows are left to the command, in `rest`.
  void leave_rest();
  std::vector<std::string> rest() const;
  // What was probably meant by one, in one line.
  std::string unknown_argument(std::string_view argument) const;

  // The definitions of the options that were given.
  std::vector<const OptionInfo*> given() const;

  // Below the help.
  void footer(std::string text);
  // What it does; the exit status comes of it.
  void run(std::function<int()> action);

 private:
  void add(std::string_view name, std::string otherwise, std::function<void(const std::string&)> parse);
  void add_flag(std::string_view name, std::function<void(bool)> set);
  const OptionInfo& definition(std::string_view name) const;

  Start* start_ = nullptr;
  CLI::App* command_;
};

}  // namespace mmscale::cli
