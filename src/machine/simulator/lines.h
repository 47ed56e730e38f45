// SPDX-License-Identifier: MIT
//
// Cache lines and what the coherence protocol knows of them. A line is an address divided by the line size,
// so false sharing is what the layout makes it; a line exists from its first access on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "machine/machine.h"
#include "machine/simulator/model.h"

namespace mmscale::machine::simulator {

inline constexpr std::uint32_t kNobody = UINT32_MAX;

struct Line {
  // The CPU that may write it; kNobody while it is shared, or in memory only.
  std::uint32_t owner = kNobody;
  // Waiting requests, oldest first; a list through the CPUs, as each has one request at most.
  std::uint32_t first_waiter = kNobody;
  std::uint32_t last_waiter = kNobody;
  // CPUs in a spin_until on it; a list through the CPUs.
  std::uint32_t spinners = kNobody;
  // The package of its home; kNobody until the first request for it.
  std::uint32_t home = kNobody;
  // Its bit set of sharers, in Lines; kNobody until it is shared for the first time.
  std::uint32_t sharers = kNobody;
  // Whom the snoop that is on its way was sent for; kNobody while none is.
  std::uint32_t snooping_for = kNobody;
  // Domains with a sharer in them.
  std::uint64_t domains = 0;
  // Until when its owner works on it: it leaves after the operation in flight.
  Picoseconds busy_until = 0;
  // From when on the next request can be served.
  Picoseconds port_free = 0;
  // Changes of its content: what a store-conditional compares.
  std::uint32_t version = 0;
  bool event_pending = false;
};

class Lines {
 public:
  // Lines that CPUs 0 to cpus - 1 may share.
  explicit Lines(unsigned cpus) : words_(cpus / 64 + 1), slots_(kFirstSlots) {}

  Line& operator[](std::uint32_t index) { return lines_[index]; }
  std::size_t size() const { return lines_.size(); }

  // The line of an address.
  MMSCALE_INLINE std::uint32_t index_of(const void* address) {
    const std::uint64_t key = reinterpret_cast<std::uintptr_t>(address) / kLine;
    for (std::size_t slot = hash(key);; ++slot) {
      const Slot& found = slots_[slot & (slots_.size() - 1)];
      if (found.key == key) return found.index;
      if (found.key == 0) return insert(key);
    }
  }

  std::uintptr_t address_of(std::uint32_t index) const { return keys_[index] * kLine; }

  bool shared_by(const Line& line, std::uint32_t cpu) const {
    return line.sharers != kNobody && (sharers_[line.sharers + cpu / 64] >> (cpu % 64) & 1) != 0;
  }
  void share(Line& line, std::uint32_t cpu, const Place& place) {
    if (line.sharers == kNobody) {
      line.sharers = static_cast<std::uint32_t>(sharers_.size());
      sharers_.resize(sharers_.size() + words_);
    }
    sharers_[line.sharers + cpu / 64] |= std::uint64_t{1} << (cpu % 64);
    line.domains |= std::uint64_t{1} << place.domain;
  }
  void invalidate_sharers(Line& line) {
    if (line.domains == 0) return;
    line.domains = 0;
    for (std::size_t w = 0; w < words_; ++w) sharers_[line.sharers + w] = 0;
  }

 private:
  static constexpr std::size_t kFirstSlots = 1024;

  // Key 0 is the line at address 0, which nobody accesses.
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t index = 0;
  };

  // Fibonacci hashing: neighbouring lines, and those a power of two apart, spread over the table.
  static std::size_t hash(std::uint64_t key) { return (key * 0x9E3779B97F4A7C15u) >> 32; }

  MMSCALE_COLD std::uint32_t insert(std::uint64_t key) {
    if (2 * (lines_.size() + 1) > slots_.size()) grow();
    const auto index = static_cast<std::uint32_t>(lines_.size());
    lines_.emplace_back();
    keys_.push_back(key);
    place({key, index});
    return index;
  }
  void place(Slot slot) {
    std::size_t at = hash(slot.key);
    while (slots_[at & (slots_.size() - 1)].key != 0) ++at;
    slots_[at & (slots_.size() - 1)] = slot;
  }
  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.key != 0) place(slot);
  }

  std::size_t words_;
  std::vector<Slot> slots_;
  std::vector<Line> lines_;
  std::vector<std::uint64_t> keys_;
  std::vector<std::uint64_t> sharers_;
};

}  // namespace mmscale::machine::simulator
