// SPDX-License-Identifier: MIT
//
// From names to a kernel build: the one place where every scheme and every lifecycle meet, once for each Machine.
#pragma once

#include <string_view>

#include "kernel/ops.h"

namespace mmscale::workload {

// Throws std::invalid_argument for a scheme or lifecycle that does not exist. Defined in every_build.h, which one source
// for each Machine includes.
template <class M>
kernel::Build<M> build_by_name(std::string_view scheme, std::string_view lifecycle,
                               kernel::Options options = {});

}  // namespace mmscale::workload
