// SPDX-License-Identifier: MIT
//
// Which builds of the emulated kernel exist: every scheme under every lifecycle with default options, and
// what else means something. Each build is seconds of compiling, so the rest is left out.
#pragma once

#include <memory>
#include <type_traits>

#include "kernel/build.h"
#include "kernel/lifecycle/catalogue.h"
#include "workload/silicon_loads.h"

namespace mmscale::workload {

// Calls f.template operator()<kOptions>() for every set of options that a scheme is built with under a
// lifecycle, the default first. The others are built for the schemes that mainline has or had, whose barriers
// they are about:
//   powerpc    all: where both kinds of scheme are at home
//   x86-2017   mm_cid: an uncounted scheme must add the barrier that x86's atomics give for nothing
template <class Scheme, class Lifecycle, class F>
constexpr void with_built_options(F&& f) {
  using kernel::MmCid;
  using kernel::Options;
  constexpr bool kMainline = Scheme::kInfo.upstream.starts_with("mainline");
  constexpr bool kPowerpc = std::is_same_v<Lifecycle, kernel::lifecycle::Powerpc>;
  constexpr bool kX86 = std::is_same_v<Lifecycle, kernel::lifecycle::X86_2017>;
  f.template operator()<Options{}>();
  if constexpr (kMainline && (kPowerpc || kX86)) f.template operator()<Options{.mm_cid = MmCid::v6_4}>();
  if constexpr (kMainline && kPowerpc) {
    f.template operator()<Options{.rq_lock = true}>();
    f.template operator()<Options{.mm_cid = MmCid::v6_4, .rq_lock = true}>();
  }
}

// Defined in silicon_load.h, instantiated in a translation unit for each lifecycle.
template <class Lifecycle, bool kChecking>
std::unique_ptr<Load> make_silicon_load_under(const SiliconSpec& spec, Program program);

}  // namespace mmscale::workload
