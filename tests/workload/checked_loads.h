// SPDX-License-Identifier: MIT
// Loads under the oracle: what they cost is not the scheme's.
#pragma once

#include <memory>

#include "workload/silicon_loads.h"
#include "workload/teardown_load.h"

namespace mmscale::workload {

// As make_silicon_load and make_teardown_load.
std::unique_ptr<Load> make_checked_silicon_load(const SiliconSpec& spec, Program program);
std::unique_ptr<Load> make_checked_teardown_load(const SiliconSpec& silicon, const TeardownSpec& spec,
                                                 TeardownObserver* observer);

}  // namespace mmscale::workload
