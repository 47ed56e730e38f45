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

std::unique_ptr<Program> make_program(std::string_view scheme, std::string_view lifecycle,
                                      const Case& the_case, unsigned verdicts) {
  std::unique_ptr<Program> program;
  kernel::lifecycle::Catalogue::for_each([&]<class Lifecycle> {
    if (Lifecycle::kName == lifecycle) program = make_program_under<Lifecycle>(scheme, the_case, verdicts);
  });
  return program;
}

}  // namespace mmscale::check
