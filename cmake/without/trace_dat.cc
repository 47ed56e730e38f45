// SPDX-License-Identifier: MIT
//
// In the place of src/trace/trace_dat.cc where there is no libtracecmd to link.
#include <fmt/format.h>

#include <stdexcept>

#include "trace/trace_dat.h"

namespace mmscale::trace {

struct TraceDat::Reader {};

TraceDat::TraceDat(const std::string& path, std::optional<double>) {
  throw std::runtime_error(fmt::format(
      "{}: this build cannot read trace.dat; replay the text of `trace-cmd report -t -i {}`", path, path));
}
TraceDat::~TraceDat() = default;
bool TraceDat::next(Event&) { return false; }

}  // namespace mmscale::trace
