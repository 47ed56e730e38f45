// SPDX-License-Identifier: MIT
//
// Who touches and who writes each word of shared memory. Every access of every execution asks, so it is a table with
// open addressing: std::unordered_map's division by a prime was a tenth of an exploration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mmscale::machine::explorer {

class Locations {
 public:
  // Instead of a CPU: more than one, and none.
  static constexpr std::uint32_t kShared = UINT32_MAX;
  static constexpr std::uint32_t kNobody = kShared - 1;

  // The one CPU that touched a location, and the one that wrote it.
  struct Facts {
    const void* location = nullptr;
    std::uint32_t toucher = kNobody;
    std::uint32_t writer = kNobody;
  };

  // What is known of a location, nobody having touched it if it is new. Valid until the next call.
  Facts& operator[](const void* location) {
    if (2 * used_ >= slots_.size()) grow();
    Facts& facts = slots_[slot_of(location)];
    used_ += facts.location == nullptr;
    facts.location = location;
    return facts;
  }
  // The same, without making one.
  const Facts& find(const void* location) const { return slots_[slot_of(location)]; }

 private:
  // Where a location is, or would be: the first free slot from its hash on. At most half of them are taken.
  std::size_t slot_of(const void* location) const {
    const std::size_t mask = slots_.size() - 1;
    // Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4): 2^64 by the golden ratio; the upper bits count.
    const std::uint64_t hash = reinterpret_cast<std::uintptr_t>(location) * 0x9e3779b97f4a7c15u >> 32;
    std::size_t at = hash & mask;
    while (slots_[at].location != nullptr && slots_[at].location != location) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<Facts> old(2 * slots_.size());
    old.swap(slots_);
    for (const Facts& facts : old)
      if (facts.location != nullptr) slots_[slot_of(facts.location)] = facts;
  }

  std::vector<Facts> slots_ = std::vector<Facts>(256);
  std::size_t used_ = 0;
};

}  // namespace mmscale::machine::explorer
