// SPDX-License-Identifier: MIT
//
// Which CPUs a scheme looks at, remotely, to find out who borrows an mm.
#pragma once

#include <bit>
#include <cstdint>

#include "kernel/cpu.h"

namespace mmscale::kernel {

// Calls f(other) for every candidate, this CPU and offline ones included. Relaxed loads of the mask: a bit
// that matters was set before its CPU became a user of the mm, and the caller has since seen that user's
// mm_users reach zero.
template <class M, class F>
void for_each_candidate(M& m, Cpu<M>& cpu, Mm<M>* mm, F&& f) {
  const System<M>& system = *cpu.system;
  const Candidates candidates = system.scheme.candidates;
  const bool masked =
      system.lifecycle.keeps_mask &&
      (candidates == Candidates::mask || (candidates == Candidates::mask_on_x86 && system.lifecycle.is_x86));
  const unsigned possible = m.cpus();
  for (unsigned w = 0; w < cpu.targets.words(); ++w) {
    std::uint64_t rest = ~std::uint64_t{0};
    if (masked) rest = m.load(mm->cpumask(w), std::memory_order_relaxed);
    for (; rest != 0; rest &= rest - 1) {
      const unsigned n = w * machine::CpuMask::kBitsPerWord + static_cast<unsigned>(std::countr_zero(rest));
      if (n >= possible) return;
      f(*system.cpus[n]);
    }
  }
}

}  // namespace mmscale::kernel
