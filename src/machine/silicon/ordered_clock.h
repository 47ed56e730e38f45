// SPDX-License-Identifier: MIT
//
// The counter of clock.h, read in order with what is around it: for the time of a single access.
#pragma once

#include <cstdint>

#include "machine/silicon/clock.h"

namespace mmscale::machine::silicon {

// ticks(), when everything before it in the program is done, loads and atomics included. A lone rdtsc may be
// executed before the access that it follows in the program. On RISC-V reading time is device input to a fence.
inline std::uint64_t ticks_when_done() {
#if defined(__x86_64__)
  _mm_lfence();
#elif defined(__powerpc64__)
  asm volatile("isync" ::: "memory");
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#elif defined(__s390x__)
  asm volatile("bcr 15,0" ::: "memory");
#elif defined(__riscv)
  asm volatile("fence iorw,iorw" ::: "memory");
#endif
  return ticks();
}

}  // namespace mmscale::machine::silicon
