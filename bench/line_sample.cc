// SPDX-License-Identifier: MIT
#include "bench/line_sample.h"

namespace mmscale::bench {

std::vector<unsigned> line_sample(const std::vector<unsigned>& pus, std::size_t most) {
  if (pus.size() <= most) return pus;
  const std::size_t kept = most / 2;
  std::vector<unsigned> sample;
  for (std::size_t i = 0; i < kept; ++i) {
    // Even, since neighbours pair up from the first position on; the last pair ends at or before the
    // last position.
    const std::size_t position = i * (pus.size() / 2) / kept * 2;
    sample.push_back(pus[position]);
    sample.push_back(pus[position + 1]);
  }
  return sample;
}

}  // namespace mmscale::bench
