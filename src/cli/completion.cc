// SPDX-License-Identifier: MIT
#include "cli/completion.h"

#include <fmt/format.h>

#include <algorithm>

namespace mmscale::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kFiles = ":files";

// What stands in `words` from the second on is asked of the command itself.
constexpr std::string_view kBash = R"bash(# bash completion for mmscale
_mmscale() {
  # COMP_WORDBREAKS takes --option=value apart.
  local word=${COMP_WORDS[COMP_CWORD]#=}
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]/#\~/$HOME}" describe --complete -- "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$word" 2>/dev/null | cut -f 1)
  [[ ${#COMPREPLY[@]} != 0 && ${COMPREPLY[-1]} == :files ]] || return
  compopt -o filenames 2>/dev/null
  mapfile -t -O $((${#COMPREPLY[@]} - 1)) COMPREPLY < <(compgen -f -- "$word")
  [[ ${COMPREPLY[-1]} != :files ]] || unset 'COMPREPLY[-1]'
}
complete -F _mmscale mmscale
)bash";

constexpr std::string_view kZsh = R"zsh(#compdef mmscale
_mmscale() {
  local -a found
  found=(${(f)"$("${words[1]/#\~/$HOME}" describe --complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  [[ $found[-1] != :files ]] || { found[-1]=(); _files; }
  # What a candidate means stands behind a colon.
  found=("${(@)${(@)found//:/\\:}/$'\t'/:}")
  _describe mmscale found
}
if [[ $funcstack[1] == _mmscale ]]; then _mmscale "$@"; else compdef _mmscale mmscale; fi
)zsh";

constexpr std::string_view kFish = R"fish(# fish completion for mmscale
function __mmscale_candidates
  set -l before (commandline -opc | string replace -r '^~' $HOME)
  $before[1] describe --complete -- $before[2..] "$(commandline -ct)" 2>/dev/null
end
complete -c mmscale -f -a '(__mmscale_candidates | string match -v :files)'
complete -c mmscale -n '__mmscale_candidates | string match -q :files' -F
)fish";

const ordered_json* find_command(const ordered_json& described, std::string_view name) {
  for (const ordered_json& command : described["commands"])
    if (command["name"] == name) return &command;
  return nullptr;
}

}  // namespace

std::vector<std::string_view> shells() { return {"bash", "zsh", "fish"}; }

std::string_view completion(std::string_view shell) {
  return shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish;
}

std::string candidates(const ordered_json& described, std::vector<std::string> words) {
  std::string word = words.empty() ? "" : words.back();
  if (!words.empty()) words.pop_back();
  std::erase(words, "=");
  std::string option_before = words.size() > 1 ? words.back() : "";
  // What stays of the word.
  std::string kept;
  const auto keep = [&](std::size_t length) {
    kept += word.substr(0, length);
    word.erase(0, length);
  };
  if (const std::size_t equals = word.find('='); word.starts_with("--") && equals != std::string::npos) {
    option_before = word.substr(0, equals);
    keep(equals + 1);
  }
  const ordered_json* command = words.empty() ? &described : find_command(described, words.front());
  if (command == nullptr) return {};

  std::string lines;
  const auto offer = [&](const std::string& name, const std::string& means) {
    if (name.starts_with(word)) lines += fmt::format("{}{}\t{}\n", kept, name, means);
  };
  for (const ordered_json& option : (*command)["options"]) {
    const std::vector<std::string> names = option["names"];
    if (option["value"] == "flag" || std::ranges::find(names, option_before) == names.end()) continue;
    if (option["value"] == "names") keep(word.rfind(',') + 1);
    for (const ordered_json& choice : option["choices"]) offer(choice, "");
    if (option["value"] == "file" || option["name"] == "--machine") lines += fmt::format("{}\n", kFiles);
    return lines;
  }
  if (command == &described)
    for (const ordered_json& each : described["commands"]) offer(each["name"], each["what"]);
  else if (!(*command)["positionals"].empty() && !word.starts_with('-'))
    return fmt::format("{}\n", kFiles);
  for (const ordered_json& option : (*command)["options"])
    for (const ordered_json& name : option["names"]) offer(name, option["help"]);
  return lines;
}

}  // namespace mmscale::cli
