// SPDX-License-Identifier: MIT
#include "check/program.h"

#include "scheme/known.h"

namespace mmscale::check {

std::vector<std::string_view> scheme_names() {
  std::vector<std::string_view> names;
  for (const scheme::SchemeInfo* info : scheme::schemes()) names.push_back(info->name);
  return names;
}

}  // namespace mmscale::check
