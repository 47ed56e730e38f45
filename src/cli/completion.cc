// SPDX-License-Identifier: MIT
#include "cli/completion.h"

#include <fmt/format.h>

#include "cli/shell.h"

namespace mmscale::cli {
namespace {

using nlohmann::ordered_json;

std::vector<std::string> names_of_option(const ordered_json& option) {
  return option["names"].get<std::vector<std::string>>();
}

std::string choices(const ordered_json& option) {
  if (!option["choices"].is_array()) return {};
  return fmt::format("{}", fmt::join(option["choices"].get<std::vector<std::string>>(), " "));
}

bool takes_list(const ordered_json& option) { return option["value"] == "names"; }
bool takes_file(const ordered_json& option) {
  return option["value"] == "file" || option["name"] == "--machine";
}

// COMP_WORDBREAKS takes --option=value apart; it is put together again. What stands before the last comma stays.
constexpr std::string_view kBash = R"bash(
_mmscale() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} kept= values= list= file=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "$_mmscale_commands $_mmscale_options" -- "$word")
    return
  fi
  [[ $word != = ]] || word=
  [[ $before != = ]] || before=${COMP_WORDS[COMP_CWORD - 2]}
  case "$command $before" in
@values@  esac
  if [[ -n $list && $word == *,* ]]; then
    kept=${word%,*},
    word=${word##*,}
  fi
  if [[ -n $values$file ]]; then
    [[ -z $values ]] || mapfile -t COMPREPLY < <(compgen -P "$kept" -W "$values" -- "$word")
    [[ -z $file ]] || { compopt -o filenames 2>/dev/null; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$word"); }
    return
  fi
  case $command in
@options@  esac
}
complete -F _mmscale mmscale
)bash";

std::string bash(const ordered_json& described) {
  std::vector<std::string> commands;
  std::vector<std::string> own;
  for (const ordered_json& option : described["options"])
    for (const std::string& name : names_of_option(option)) own.push_back(name);
  std::string values;
  std::string options;
  for (const ordered_json& command : described["commands"]) {
    const std::string name = text_of(command, "name");
    commands.push_back(name);
    std::vector<std::string> words;
    for (const ordered_json& option : command["options"]) {
      std::vector<std::string> patterns;
      for (const std::string& called : names_of_option(option)) {
        words.push_back(called);
        patterns.push_back(fmt::format("'{} {}'", name, called));
      }
      if (option["value"] == "flag" || (choices(option).empty() && !takes_file(option))) continue;
      values += fmt::format("    {}) values='{}' list={} file={} ;;\n", fmt::join(patterns, " | "),
                            choices(option), takes_list(option) ? "1" : "", takes_file(option) ? "1" : "");
    }
    const bool files = !command["positionals"].empty();
    options += fmt::format("    {}) {}mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\") ;;\n", name,
                           files ? "[[ $word == -* ]] || { compopt -o filenames 2>/dev/null; mapfile -t "
                                   "COMPREPLY < <(compgen -f -- \"$word\"); return; }; "
                                 : "",
                           fmt::join(words, " "));
  }
  std::string text(kBash);
  text.replace(text.find("@values@"), 8, values);
  text.replace(text.find("@options@"), 9, options);
  return fmt::format(
      "# bash completion for mmscale, generated from its "
      "options.\n_mmscale_commands='{}'\n_mmscale_options='{}'\n{}",
      fmt::join(commands, " "), fmt::join(own, " "), text.substr(1));
}

// In the specifications of _arguments these are separators.
std::string zsh_text(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') safe += '\\';
    safe += c;
  }
  return safe;
}

std::string zsh_value(const ordered_json& option) {
  const std::string value = text_of(option, "value");
  const std::string words = choices(option);
  if (value == "flag") return {};
  if (words.empty()) return fmt::format(":{}:{}", value, takes_file(option) ? "_files" : "( )");
  if (takes_list(option)) return fmt::format(":{}:_sequence compadd - {}", value, words);
  if (takes_file(option)) return fmt::format(":{}:{{compadd - {}; _files}}", value, words);
  return fmt::format(":{}:({})", value, words);
}

std::string zsh_options(const ordered_json& options) {
  std::string lines;
  for (const ordered_json& option : options)
    for (const std::string& name : names_of_option(option)) {
      const bool joined = name.starts_with("--") && option["value"] != "flag";
      lines +=
          " \\\n        " + shell_word(fmt::format("{}{}[{}]{}", name, joined ? "=" : "",
                                                   zsh_text(text_of(option, "help")), zsh_value(option)));
    }
  return lines;
}

std::string zsh(const ordered_json& described) {
  std::string commands;
  std::string cases;
  for (const ordered_json& command : described["commands"]) {
    const std::string name = text_of(command, "name");
    commands += "    " + shell_word(fmt::format("{}:{}", name, zsh_text(text_of(command, "what")))) + "\n";
    cases += fmt::format("    ({})\n      _arguments -s -S{}{} ;;\n", name, zsh_options(command["options"]),
                         command["positionals"].empty() ? "" : " \\\n        '*:file:_files'");
  }
  return fmt::format(
      "#compdef mmscale\n"
      "# zsh completion for mmscale, generated from its options.\n"
      "_mmscale() {{\n"
      "  local -a commands\n"
      "  commands=(\n{}  )\n"
      "  if ((CURRENT == 2)); then\n"
      "    _describe command commands\n"
      "    _arguments{}\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words\n"
      "  ((CURRENT--))\n"
      "  case $command in\n{}  esac\n"
      "}}\n"
      "if [[ $funcstack[1] == _mmscale ]]; then _mmscale \"$@\"; else compdef _mmscale mmscale; fi\n",
      commands, zsh_options(described["options"]), cases);
}

std::string fish(const ordered_json& described) {
  std::string lines = "# fish completion for mmscale, generated from its options.\n";
  std::vector<std::string> commands;
  for (const ordered_json& command : described["commands"]) {
    commands.push_back(text_of(command, "name"));
    lines += fmt::format("complete -c mmscale -f -n __fish_use_subcommand -a {} -d {}\n", commands.back(),
                         shell_word(text_of(command, "what")));
  }
  const auto add = [&lines](const std::string& when, const ordered_json& option) {
    std::string line = fmt::format("complete -c mmscale -n {}", shell_word(when));
    for (const std::string& name : names_of_option(option))
      line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    const std::string words = choices(option);
    if (option["value"] != "flag") line += takes_file(option) ? " -r" : " -x";
    if (!words.empty())
      line += takes_list(option) ? fmt::format(" -a \"(__fish_complete_list , 'printf %s\\\\n {}')\"", words)
                                 : fmt::format(" -a '{}'", words);
    lines += fmt::format("{} -d {}\n", line, shell_word(text_of(option, "help")));
  };
  for (const ordered_json& option : described["options"]) add("__fish_use_subcommand", option);
  for (const ordered_json& command : described["commands"]) {
    const std::string when = "__fish_seen_subcommand_from " + text_of(command, "name");
    lines += fmt::format("complete -c mmscale -n {} {}\n", shell_word(when),
                         command["positionals"].empty() ? "-f" : "-F");
    for (const ordered_json& option : command["options"]) add(when, option);
  }
  return lines;
}

}  // namespace

std::vector<std::string_view> shells() { return {"bash", "zsh", "fish"}; }

std::string completion(const ordered_json& described, std::string_view shell) {
  return shell == "bash" ? bash(described) : shell == "zsh" ? zsh(described) : fish(described);
}

}  // namespace mmscale::cli
