// SPDX-License-Identifier: MIT
//
// The one table of lifecycles: what an architecture does to mm_cpumask, loaded_mm and active_mm behind the
// scheduler's back. docs/lifecycles.md has their rules side by side. A lifecycle is a struct of static
// functions (kernel/ops.h): one header in this folder and one name here. The headers are included through a list that
// CMake makes of the folder.
#pragma once

#include <array>
#include <string_view>

#include "kernel/lifecycle/all_lifecycles.h"

namespace mmscale::kernel::lifecycle {

template <class... Lifecycles>
struct LifecycleList {
  // Calls f.template operator()<Lifecycle>() for each, in order.
  template <class F>
  static constexpr void for_each(F&& f) {
    (f.template operator()<Lifecycles>(), ...);
  }
  static constexpr std::array<std::string_view, sizeof...(Lifecycles)> names() {
    return {Lifecycles::kName...};
  }
};

using Catalogue = LifecycleList<  //
    Powerpc,                      //
    PowerpcHash,                  //
    X86_2017,                     //
    X86Unlazy,                    //
    X86_2024,                     //
    X86_2025,                     //
    X86Paravirt,                  //
    X86Invlpgb,                   //
    X86Rar,                       //
    Arm64,                        //
    Arm64_2025,                   //
    Arm64Mask,                    //
    S390,                         //
    Riscv,                        //
    Loongarch                     //
    >;

}  // namespace mmscale::kernel::lifecycle
