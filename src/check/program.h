// SPDX-License-Identifier: MIT
//
// What checking asks of a kernel under exploration, whichever scheme and lifecycle are compiled into it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "check/case.h"
#include "kernel/ops.h"
#include "kernel/oracle.h"
#include "machine/explorer/explore.h"
#include "machine/explorer/explorer.h"

namespace mmscale::check {

struct Finding {
  kernel::Violation violation;
  unsigned cpu;
  std::string where;
};

class Program : public machine::explorer::Program {
 public:
  // What the oracle has said in the execution at hand.
  virtual std::vector<Finding> findings() const = 0;
  // "mm_count of mm 0".
  virtual std::string name_of(const void* location) const = 0;
  // A word as it was read or written: "mm 0" where it is the address of something known.
  virtual std::string value_of(std::uint64_t value) const = 0;
};

// The case under a scheme and a lifecycle; `verdicts`: one bit for each kernel::Violation that counts. The second throws
// std::invalid_argument for a name that does not exist.
std::unique_ptr<Program> make_program(const kernel::Build<machine::explorer::Explorer>& build,
                                      const Case& the_case, unsigned verdicts);
std::unique_ptr<Program> make_program(std::string_view scheme, std::string_view lifecycle,
                                      const Case& the_case, unsigned verdicts);

}  // namespace mmscale::check
