// SPDX-License-Identifier: MIT
#include "check/program.h"

#include "kernel/lifecycle/catalogue.h"
#include "scheme/catalogue.h"

namespace mmscale::check {

std::vector<std::string_view> scheme_names() {
  std::vector<std::string_view> names;
  scheme::Catalogue::for_each([&]<class Scheme> { names.push_back(Scheme::kInfo.name); });
  return names;
}

}  // namespace mmscale::check
