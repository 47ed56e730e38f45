// SPDX-License-Identifier: MIT
//
// Teardown under each lifecycle: defined in teardown_system.h, instantiated in a translation unit for each.
#pragma once

#include <memory>

#include "workload/teardown_load.h"

namespace mmscale::workload {

// nullptr if there is no such scheme.
template <class Lifecycle, bool kChecking>
std::unique_ptr<Load> make_teardown_under(const SiliconSpec& silicon, const TeardownSpec& spec,
                                          TeardownObserver* observer);
}  // namespace mmscale::workload
