// SPDX-License-Identifier: MIT
//
// Which CPUs a scheme looks at, remotely, to find out who borrows an mm.
#pragma once

#include <bit>
#include <cstdint>

#include "kernel/cpu.h"

namespace mmscale::kernel {

// A trait of such a scheme: those in mm_cpumask, or every possible CPU. Where the architecture keeps no mask
// it is every CPU in any case.
enum class Candidates { mask, all };

// Whether lazy_enter at this site begins to borrow a user mm. At the others a CPU falls back on init_mm,
// which is never freed and needs no tracking.
constexpr bool borrows_user_mm(Site site) {
  return site == Site::context_switch || site == Site::exit_mm || site == Site::kthread_unuse_mm;
}

// Calls f(other) for every candidate, this CPU and offline ones included. Relaxed loads of the mask: a bit
// that matters was set before its CPU became a user of the mm, and the caller has since seen that user's
// mm_users reach zero.
template <class K, class F>
void for_each_candidate(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm, F&& f) {
  constexpr bool kMasked = K::Scheme::kCandidates == Candidates::mask && K::Lifecycle::kKeepsMask;
  const unsigned possible = m.cpus();
  for (unsigned w = 0; w < cpu.targets.words(); ++w) {
    std::uint64_t rest = ~std::uint64_t{0};
    if constexpr (kMasked) rest = m.load(mm->cpumask(w), std::memory_order_relaxed);
    for (; rest != 0; rest &= rest - 1) {
      const unsigned n = w * machine::CpuMask::kBitsPerWord + static_cast<unsigned>(std::countr_zero(rest));
      if (n >= possible) return;
      f(*cpu.system->cpus[n]);
    }
  }
}

}  // namespace mmscale::kernel
