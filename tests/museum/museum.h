// SPDX-License-Identifier: MIT
//
// What all rooms of the museum share: how a case is looked for, and the lifecycles by short names.
#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "check/case.h"
#include "check/program.h"
#include "kernel/lifecycle/catalogue.h"
#include "machine/explorer/explore.h"

namespace mmscale::check {

using kernel::Violation;
using kernel::lifecycle::Arm64;
using kernel::lifecycle::Powerpc;
using kernel::lifecycle::X86_2017;
using kernel::lifecycle::X86_2024;
using kernel::lifecycle::X86_2025;
using kernel::lifecycle::X86Invlpgb;
using kernel::lifecycle::X86Paravirt;
using kernel::lifecycle::X86Unlazy;
using machine::explorer::Ending;
using machine::explorer::Memory;

inline Case the_case(std::string_view name) {
  for (const Case& one : cases())
    if (one.name == name) return one;
  throw std::invalid_argument(std::string(name));
}

constexpr unsigned only(Violation violation) { return 1u << static_cast<unsigned>(violation); }

// Whether some interleaving ends in `violation` under the memory that the lifecycle's machines have, if no other is given;
// the test fails if that could not be decided.
template <class Scheme, class Lifecycle, kernel::Options kOptions = kernel::Options{}>
bool shows(Violation violation, const Case& one,
           Memory memory = Lifecycle::kTotalStoreOrder ? Memory::tso : Memory::rc11) {
  const auto program = make_program(
      kernel::build_of<Scheme, Lifecycle, machine::explorer::Explorer>(kOptions), one, only(violation));
  machine::explorer::Limits limits;
  limits.steps = 20'000'000;
  const machine::explorer::Result result = machine::explorer::explore(*program, memory, limits);
  EXPECT_NE(result.ending, Ending::stopped) << one.name;
  return result.ending != Ending::exhausted;
}

}  // namespace mmscale::check
