// SPDX-License-Identifier: MIT
//
// Which scheme is run under which lifecycle where running all of them together takes too long for every day.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "kernel/lifecycle/catalogue.h"
#include "scheme/facts.h"

namespace mmscale::test {

inline bool safe_under(const scheme::SchemeInfo& scheme, std::string_view lifecycle) {
  const scheme::Safety* safety = scheme.under(lifecycle);
  return safety != nullptr && safety->safe;
}

// Of the pairs that are safe: every scheme under its home, the first lifecycle of the catalogue that it is safe under, and
// every lifecycle with one scheme of each kind: who counts, who shoots, who publishes. All with MMSCALE_LONG_RUNS in the
// environment; the explorer takes all of them every time.
inline bool covered(const scheme::SchemeInfo& scheme, std::string_view lifecycle) {
  static constexpr std::array<std::string_view, 3> kOfEachKind = {"refcount", "shootdown", "hazptr"};
  if (!safe_under(scheme, lifecycle)) return false;
  if (std::getenv("MMSCALE_LONG_RUNS") != nullptr || std::ranges::count(kOfEachKind, scheme.name) != 0)
    return true;
  const auto names = kernel::lifecycle::Catalogue::names();
  return lifecycle ==
         *std::ranges::find_if(names, [&](std::string_view name) { return safe_under(scheme, name); });
}

}  // namespace mmscale::test
