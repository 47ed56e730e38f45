// SPDX-License-Identifier: MIT
// What a read-modify-write of this build is made of.
#pragma once

#include <string_view>

namespace mmscale::measure {

// A choice of the compiler's flags on arm64, where the kernel's own are those of the CPU, which it asks at
// boot (arch/arm64/include/asm/lse.h).
inline constexpr std::string_view kAtomics =
#if defined(__powerpc64__) || (defined(__aarch64__) && !defined(__ARM_FEATURE_ATOMICS))
    "LL/SC";
#elif defined(__aarch64__)
    "LSE";
#else
    "single instructions";
#endif

}  // namespace mmscale::measure
