// SPDX-License-Identifier: MIT
#include "workload/silicon_load.h"
#include "workload/silicon_loads.h"

namespace mmscale::workload {

std::unique_ptr<Load> make_checked_silicon_load(const SiliconSpec& spec, Program program) {
  return make_silicon_load_of<true>(spec, std::move(program));
}

}  // namespace mmscale::workload
