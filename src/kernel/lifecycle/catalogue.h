// SPDX-License-Identifier: MIT
//
// The one table of lifecycles: what an architecture does to mm_cpumask, loaded_mm and active_mm.
#pragma once

#include <array>
#include <string_view>

#include "kernel/lifecycle/powerpc.h"

namespace mmscale::kernel::lifecycle {

template <class... Lifecycles>
struct LifecycleList {
  // Calls f.template operator()<Lifecycle>() for each, in order.
  template <class F>
  static constexpr void for_each(F&& f) {
    (f.template operator()<Lifecycles>(), ...);
  }
  static constexpr std::array<std::string_view, sizeof...(Lifecycles)> names() { return {Lifecycles::kName...}; }
};

using Catalogue = LifecycleList<Powerpc>;

}  // namespace mmscale::kernel::lifecycle
