// SPDX-License-Identifier: MIT
//
// All schemes and lifecycles by name, and what is known of them, for those who do not run them.
#pragma once

#include <span>
#include <string_view>

#include "scheme/facts.h"

namespace mmscale::scheme {

// In the catalogue's order.
std::span<const SchemeInfo* const> schemes();
// nullptr if there is none of that name.
const SchemeInfo* find_scheme(std::string_view name);
// Whether the scheme must be able to reach a CPU that borrows. One that counts need not, and one under which
// nobody borrows a user mm has nothing to reach.
bool must_reach_borrowers(std::string_view name);

struct LifecycleInfo {
  std::string_view name;
  std::string_view what;
  // What every figure under it lacks, in words.
  std::string_view absent;
  // ARCH_WANT_IRQS_OFF_ACTIVATE_MM in 6.12.
  bool wants_irqs_off_activate_mm = false;
  // Of an architecture with TSO.
  bool total_store_order = false;
};
std::span<const LifecycleInfo> lifecycles();
std::span<const std::string_view> lifecycle_names();
// Of a lifecycle that does not exist, all empty.
const LifecycleInfo& lifecycle_info(std::string_view name);

// Costs that no lifecycle has: of the idle loop around the switch.
inline constexpr std::string_view kAbsentEverywhere =
    "leaving a C-state (idle CPUs spin), and the IPI that a polling idle CPU is spared";

}  // namespace mmscale::scheme
