// SPDX-License-Identifier: MIT
//
// The loops that are measured on real CPUs: run_steps with a scheme's and a lifecycle's functions inlined. One source for
// each lifecycle holds its own (hot_loops_under.h, src/CMakeLists.txt).
#pragma once

#include <string_view>

#include "machine/silicon/silicon.h"
#include "workload/run_steps.h"

namespace mmscale::workload {

using Measured = machine::silicon::Silicon<false>;

// nullptr if there is no such scheme.
template <class Lifecycle>
Loop<Measured> hot_loop_under(std::string_view scheme, bool default_options);

}  // namespace mmscale::workload
