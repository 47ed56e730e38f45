// SPDX-License-Identifier: MIT
//
// With how many CPUs a campaign measures.
#pragma once

#include <string_view>
#include <vector>

namespace mmscale::campaign {

// 1 and then about `per_octave` counts in each doubling, always ending with `all`. Eight per octave is
// perfbook's sweep (power2inc in CodeSamples/count): every count to 16, then 18, 20, ... 32, 36, ... With `octaves`
// above 1 each so many doublings are one step: 1, 16, 256, ... for four.
std::vector<unsigned> octave_counts(unsigned all, unsigned per_octave = 8, unsigned octaves = 1);

// Comma-separated counts, ranges (1-4), "all" and "octave"; ascending, each once. `all` is how many CPUs may
// be used and `why` says what limits them, for the message when more are asked for. Throws std::invalid_argument in one line
// that names what was given and what is allowed.
std::vector<unsigned> parse_cpu_counts(std::string_view text, unsigned all, std::string_view why);

}  // namespace mmscale::campaign
