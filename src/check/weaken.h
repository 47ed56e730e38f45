// SPDX-License-Identifier: MIT
//
// What each order in the source is for: one place at a time asks for less, and every case is explored again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "check/check.h"

namespace mmscale::check {

// One place that asked for less, and what came of it.
struct Trial {
  // "none" and "acquire and release" of a fence, else "relaxed", "acquire", ...
  std::string_view order;
  Verdict verdict = Verdict::safe;
  // If violated: in which case, and the execution.
  std::string_view case_name;
  std::string violation;
  std::string where;
  std::string schedule;
};

struct Place {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
  std::string function;
  // "fence", "load", "store", "read-modify-write", "wait".
  std::string_view kind;
  std::string_view order;
  // The cases that come by here.
  std::vector<std::string_view> cases;
  // From the weakest on, up to the first that is enough, which has no violation; if that is the first of all, the order
  // is needed by nothing here.
  std::vector<Trial> trials;
};

// Every place that `scheme` under `lifecycle` passes in `cases`, in order of file and line. What a case violates as it
// is does not count in it.
std::vector<Place> weaken(std::string_view scheme, std::string_view lifecycle,
                          const std::vector<const Case*>& cases, const Options& options);

// "shootdown.h:28=none", "mm_life.h:96:9=acquire". Throws std::invalid_argument, saying what is allowed.
machine::explorer::Weakening parse_weakening(std::string_view text);

}  // namespace mmscale::check
