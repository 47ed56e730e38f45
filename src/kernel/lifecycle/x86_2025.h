// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "kernel/lifecycle/x86_2024.h"

namespace mmscale::kernel::lifecycle {

// What all x86 has since Linux 6.16: EFI firmware in a temporary mm (e7021e2fe0b4) and activate_mm with interrupts off
// (af8967158f9a).
template <class Rules, class Switch>
struct X86Since2025 : X86<Rules, Switch> {
  static constexpr bool kWantsIrqsOffActivateMm = true;
  static constexpr Efi kEfi = Efi::temporary_mm;
};

// x86 since Linux 6.16, read at 7.0, with the masks of 6.14.
struct X86_2025 : X86Since2025<X86_2025, X86Switch<X86LazyMask>> {
  static constexpr std::string_view kName = "x86-2025";
  static constexpr std::string_view kWhat =
      "x86 since 6.16: as x86-2024, firmware in a temporary mm, activate_mm with interrupts off";
};

}  // namespace mmscale::kernel::lifecycle
