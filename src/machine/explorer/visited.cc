// SPDX-License-Identifier: MIT
#include "machine/explorer/visited.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace mmscale::machine::explorer {

namespace {

Digest digest_of(std::span<const std::byte> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

bool contains(const std::vector<Transition>& all, const Transition& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

#if defined(__SANITIZE_ADDRESS__)
// A stack has red zones that nobody may read, but for this. Volatile, or the loop becomes a memcpy that looks
// for them.
__attribute__((no_sanitize("address"))) void copy_unchecked(std::span<const std::byte> from, std::byte* to) {
  const volatile std::byte* at = from.data();
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = at[i];
}
#endif

}  // namespace

void Digester::add(std::span<const std::byte> bytes) {
#if defined(__SANITIZE_ADDRESS__)
  copy_.resize(bytes.size());
  copy_unchecked(bytes, copy_.data());
  parts_.push_back(digest_of(copy_));
#else
  parts_.push_back(digest_of(bytes));
#endif
}

Digest Digester::take() {
  parts_.push_back(digest_of(values_));
  const Digest all = digest_of(std::as_bytes(std::span(parts_)));
  parts_.clear();
  values_.clear();
  return all;
}

bool Visited::covers(const Digest& state, const std::vector<Transition>& asleep) {
  const auto found = asleep_.find(state);
  if (found == asleep_.end()) {
    if (asleep_.size() < kMost) asleep_.emplace(state, asleep);
    return false;
  }
  std::vector<Transition>& before = found->second;
  const std::size_t more =
      std::erase_if(before, [&](const Transition& one) { return !contains(asleep, one); });
  return more == 0;
}

}  // namespace mmscale::machine::explorer
