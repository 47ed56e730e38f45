// SPDX-License-Identifier: MIT
//
// The emulated kernel on real CPUs: every scheme of the catalogue under every lifecycle and option, by name.
#pragma once

#include <memory>
#include <string_view>

#include "kernel/build.h"
#include "workload/load.h"
#include "workload/program.h"

namespace mmscale::workload {

struct SiliconSpec {
  std::string_view scheme;
  std::string_view lifecycle = "powerpc";
  kernel::Options options = {};
  kernel::Rules rules = {};
  // One of machine::silicon::transport_names().
  std::string_view transport = {};
  // NUMA node of the mms, the contended one among them.
  unsigned home_node = 0;
};

// A Load that runs `program`. For measuring: the oracle is not compiled in. Throws std::invalid_argument for
// a scheme or lifecycle that does not exist, and what HomeMemory and the transports throw.
std::unique_ptr<Load> make_silicon_load(const SiliconSpec& spec, Program program);

}  // namespace mmscale::workload
