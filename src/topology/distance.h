// SPDX-License-Identifier: MIT
// How far a cache line travels between two PUs: the nearest thing that both are part of.
#pragma once

#include <array>
#include <string_view>

#include "topology/layout.h"

namespace mmscale::topology {

// From near to far. kSameLlc occurs only where the machine
// reports caches, kSameDie only where it reports dies.
enum class Distance { kSamePu, kSmtSibling, kSameLlc, kSameDie, kSamePackage, kOtherPackage, kUnknown };

inline constexpr std::array kDistances{Distance::kSamePu,  Distance::kSmtSibling,  Distance::kSameLlc,
                                       Distance::kSameDie, Distance::kSamePackage, Distance::kOtherPackage,
                                       Distance::kUnknown};

// Of two PUs of the layout. kUnknown if either is offline, for then its place is not known.
Distance distance(const Layout& layout, const Pu& a, const Pu& b);

// "smt-sibling", "other-package"...: written in records, so they stay as they are.
std::string_view to_string(Distance distance);

}  // namespace mmscale::topology
