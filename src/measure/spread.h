// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <vector>

namespace mmscale::measure {

// Calls f(i) for every i below `n`, so many at a time on threads of their own, and `meanwhile` on this one; where no more
// threads are to be had, the rest on this one afterwards. Throws what one of them throws.
template <class F, class G = void (*)()>
void spread(
    std::size_t n, unsigned threads, F&& f, G&& meanwhile = [] {}) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < n; i = next++) f(i);
  };
  std::vector<std::future<void>> others;
  for (std::size_t i = std::min<std::size_t>(std::max(threads, 1u), n); i > 0; --i)
    others.push_back(std::async(std::launch::async | std::launch::deferred, work));
  meanwhile();
  for (std::future<void>& other : others) other.get();
}

}  // namespace mmscale::measure
