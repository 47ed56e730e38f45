// SPDX-License-Identifier: MIT
//
// The counter of clock.h, read in order with what is around it: for the time of a single access.
#pragma once

#include <cstdint>

#include "machine/silicon/clock.h"

namespace mmscale::machine::silicon {

// ticks(), when everything before it in the program is done, loads and atomics included. A lone rdtsc may be
// executed before the access that it follows in the program.
inline std::uint64_t ticks_when_done() {
#if defined(__x86_64__)
  _mm_lfence();
#elif defined(__powerpc64__)
  asm volatile("isync" ::: "memory");
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
  return ticks();
}

}  // namespace mmscale::machine::silicon
