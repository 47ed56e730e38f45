// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/info.h"

namespace mmscale::scheme {

// Tracks nothing and asks nobody: every hook is absent. The floor that the others stand on, and the broken
// scheme that shows the oracle at work. It also lacks membarrier's full barrier on kernel -> user.
struct Untracked : DefaultScheme {
  static constexpr Safety kSafety[] = {
      {"*", false,
       "the last mmput frees while other CPUs are lazy on the mm, and the next switch there uses it"},
      {"x86-*", false, "the last mmput frees while active_mm still names the mm, the dropper's own included"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "untracked",
      .summary = "no tracking at all: the cost of everything that is not the scheme",
      .on_entry = "nothing",
      .on_exit = "nothing",
      .last_drop = "free at once",
      .origin = "mmscale: the floor, and the proof that the oracle can fail",
      .upstream = "never; broken on purpose",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
