// SPDX-License-Identifier: MIT
//
// The two clocks of real CPUs.
#pragma once

#include <time.h>

#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace mmscale::machine::silicon {

// Nanoseconds of CLOCK_MONOTONIC: the one clock that the kernel keeps in step between CPUs, so that start and
// end stamps of different CPUs can be compared. Read only at batch boundaries, never per switch.
inline std::uint64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
}

// A free-running counter for delays on one CPU: TSC on x86, time base on POWER, virtual counter on ARM, TOD clock on
// s390 (not made unique, as stck makes it), time on RISC-V, nanoseconds elsewhere. A "cycle" of a think time is one tick.
inline std::uint64_t ticks() {
#if defined(__x86_64__)
  return __rdtsc();
#elif defined(__powerpc64__)
  return __builtin_ppc_get_timebase();
#elif defined(__aarch64__)
  std::uint64_t t;
  asm volatile("mrs %0, cntvct_el0" : "=r"(t));
  return t;
#elif defined(__s390x__)
  std::uint64_t t;
  asm volatile("stckf %0" : "=Q"(t) : : "cc");
  return t;
#elif defined(__riscv)
  std::uint64_t t;
  asm volatile("rdtime %0" : "=r"(t));
  return t;
#else
  return now_ns();
#endif
}

// cpu_relax().
inline void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__powerpc64__)
  asm volatile("or 1,1,1; or 2,2,2" ::: "memory");
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

}  // namespace mmscale::machine::silicon
