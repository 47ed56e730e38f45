// SPDX-License-Identifier: MIT
//
// The definition behind program.h, included by one translation unit per lifecycle.
#pragma once

#include "check/kernel_program.h"
#include "scheme/catalogue.h"

namespace mmscale::check {

template <class Lifecycle>
std::unique_ptr<Program> make_program_under(std::string_view scheme, const Case& the_case,
                                            unsigned verdicts) {
  std::unique_ptr<Program> program;
  scheme::Catalogue::for_each([&]<class Scheme> {
    if (Scheme::kInfo.name == scheme)
      program = std::make_unique<KernelProgram<Scheme, Lifecycle>>(the_case, verdicts);
  });
  return program;
}

}  // namespace mmscale::check
