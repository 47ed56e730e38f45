// SPDX-License-Identifier: MIT
//
// Loads under the oracle: what only tests run.
#include <utility>

#include "workload/make_by_name.h"
#include "workload/silicon_loads.h"
#include "workload/teardown_load.h"

namespace mmscale::workload {

std::unique_ptr<Load> make_checked_silicon_load(const SiliconSpec& spec, Program program) {
  return make_silicon_by_name<true>(spec, std::move(program));
}

std::unique_ptr<Load> make_checked_teardown_load(const SiliconSpec& silicon, const TeardownSpec& spec,
                                                 TeardownObserver* observer) {
  return make_teardown_by_name<true>(silicon, spec, observer);
}

}  // namespace mmscale::workload
