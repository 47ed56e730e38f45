// SPDX-License-Identifier: MIT
//
// Which builds of the emulated kernel exist: every scheme under every lifecycle with default options, and
// what else means something. Each build is half a second of compiling, so the rest is left out.
#pragma once

#include <memory>
#include <type_traits>

#include "kernel/build.h"
#include "kernel/lifecycle/catalogue.h"
#include "workload/silicon_loads.h"

namespace mmscale::workload {

// Calls f.template operator()<kOptions>() for every set of options built under the lifecycle:
//   powerpc    all: where counted and uncounted schemes are both at home, so the one to compare options in
//   x86-2017   mm_cid too: an uncounted scheme there must add a barrier that x86's atomics give for nothing
//   others     the default
template <class Lifecycle, class F>
constexpr void with_built_options(F&& f) {
  using kernel::MmCid;
  using kernel::Options;
  constexpr bool kAll = std::is_same_v<Lifecycle, kernel::lifecycle::Powerpc>;
  f.template operator()<Options{}>();
  if constexpr (kAll || std::is_same_v<Lifecycle, kernel::lifecycle::X86_2017>)
    f.template operator()<Options{.mm_cid = MmCid::v6_4}>();
  if constexpr (kAll) {
    f.template operator()<Options{.rq_lock = true}>();
    f.template operator()<Options{.mm_cid = MmCid::v6_4, .rq_lock = true}>();
  }
}

// Defined in silicon_load.h, instantiated in a translation unit for each lifecycle.
template <class Lifecycle, bool kChecking>
std::unique_ptr<Load> make_silicon_load_under(const SiliconSpec& spec, Program program);

}  // namespace mmscale::workload
