// SPDX-License-Identifier: MIT
//
// Which PUs family `line` measures where there are too many for all pairs.
#pragma once

#include <cstddef>
#include <vector>

namespace mmscale::bench {

// All of `pus` (a placement order) up to `most`. Above, that many, or one less if that is odd: positions at equal
// distances in the order, and of each the next position too, so that in orders which place neighbours side by side the
// nearest pairs are there as well as the farthest. The same input gives the same sample.
std::vector<unsigned> line_sample(const std::vector<unsigned>& pus, std::size_t most);

}  // namespace mmscale::bench
