// SPDX-License-Identifier: MIT
//
// Which PUs family `line` measures where there are too many for all pairs.
#pragma once

#include <cstddef>
#include <vector>

namespace mmscale::bench {

// 64 PUs are 2,016 pairs: at some 30 us a visit, 60 ms to go through all of them once.
inline constexpr std::size_t kMostLinePus = 64;

// All of `pus` (a placement order) up to kMostLinePus. Above, that many: positions at equal distances in the
// order, and of each the next position too, so that in orders which place neighbours side by side the nearest
// pairs are there as well as the farthest. The same input gives the same sample.
std::vector<unsigned> line_sample(const std::vector<unsigned>& pus);

}  // namespace mmscale::bench
