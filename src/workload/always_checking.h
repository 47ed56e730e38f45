// SPDX-License-Identifier: MIT
#pragma once

namespace mmscale::workload {

// Whether loads for measuring have the oracle in, too: only in builds that measure nothing (sanitizers),
// where one set of builds is enough.
#if defined(MMSCALE_ALWAYS_CHECKING)
inline constexpr bool kAlwaysChecking = true;
#else
inline constexpr bool kAlwaysChecking = false;
#endif

}  // namespace mmscale::workload
