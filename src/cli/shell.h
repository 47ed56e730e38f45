// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace mmscale::cli {

// The text as one word of a shell's (sh, bash, zsh, fish), whatever is in it.
inline std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

}  // namespace mmscale::cli
