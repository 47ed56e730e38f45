// SPDX-License-Identifier: MIT
//
// Cache lines and what the coherence protocol knows of them. A line is an address divided by the line size,
// so false sharing is what the layout makes it; a line exists from its first access on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "machine/machine.h"
#include "machine/simulator/model.h"
#include "machine/simulator/turns.h"

namespace mmscale::machine::simulator {

inline constexpr std::uint32_t kNobody = UINT32_MAX;

// What each access needs comes first, in one line of the host's cache.
struct alignas(kLine) Line {
  // The core that may write it; kNobody while the line is shared, or in memory only.
  std::uint32_t owner = kNobody;
  // The hardware thread of the owner that used it last.
  std::uint32_t last_user = kNobody;
  // CPUs in a spin_until on it: a list through them.
  std::uint32_t spinners = kNobody;
  // Its bit set of cores with a copy, in Lines; kNobody until it is shared for the first time.
  std::uint32_t sharers = kNobody;
  // Until when its owner works on it: it leaves after the operation in flight.
  Picoseconds busy_until = 0;
  // Its event in the queue; others of another time are stale.
  Picoseconds event_at = kNever;
  // From when on the owner's agent can serve the next request.
  Picoseconds port_free = 0;
  // Requests in all queues.
  std::uint32_t waiting = 0;
  // Whom the snoop that is on its way was sent for; kNobody while none is.
  std::uint32_t snooping_for = kNobody;
  // The owner's domain; kNobody where there is no owner.
  std::uint32_t owner_domain = kNobody;
  // Its queues in Lines, one for each domain; kNobody until the first request for it.
  std::uint32_t queues = kNobody;
  // The package of its home; kNobody until the first request for it.
  std::uint32_t home = kNobody;
  // Domains other than the owner's that wait for it, oldest first: a list through its queues.
  std::uint32_t first_domain = kNobody;
  std::uint32_t last_domain = kNobody;
  // Requests that do not wait behind a sibling; and of these, who wants to read and write it in one.
  std::uint32_t asking = 0;
  std::uint32_t contending = 0;
  // Hand-offs in a row that passed over one from outside (Arbitration::near).
  std::uint32_t passed_over = 0;
  // The core that answers a read from elsewhere, and the domains with a copy.
  std::uint32_t supplier = kNobody;
  // Whose operation is in flight, and until when, that a sibling waits for, whose own ends at busy_until.
  std::uint32_t in_flight_of = kNobody;
  std::uint64_t domains = 0;
  Picoseconds in_flight_until = 0;
  // From when on the home can serve the next domain.
  Picoseconds home_free = 0;
  // Until when its owner keeps it, whose conflict the home has not acknowledged yet.
  Picoseconds kept_until = 0;
};

// The requests of one domain's CPUs for one line.
struct Queue {
  std::uint32_t first = kNobody;
  std::uint32_t last = kNobody;
  // In the line's list of waiting domains, and when the domain's own request reaches the home.
  std::uint32_t next_domain = kNobody;
  bool asked = false;
  Picoseconds at_home = 0;
  // When the domain's copy is there, while the line is shared.
  Picoseconds copy_at = 0;
};

// What silicon cannot tell of one line.
struct LineStatistics {
  // It left an owner for another core, by how far that was: for writing, for reading.
  std::uint64_t moved[kReaches] = {};
  std::uint64_t copied[kReaches] = {};
  // Requests that reached an agent, the time until they were served, how many were already waiting there in
  // sum and at most.
  std::uint64_t requests = 0;
  Picoseconds waited = 0;
  std::uint64_t queued = 0;
  std::uint64_t longest = 0;
  // Since when its owner has it.
  Picoseconds since = 0;
};

class Lines {
 public:
  // Lines that cores 0 to cores - 1 may share, with a queue for each of `domains` domains; lines are kept by
  // owners in `packages` packages.
  Lines(unsigned cores, unsigned domains, unsigned packages)
      : words_(cores / 64 + 1),
        domains_(domains),
        packages_(packages),
        slots_(kFirstSlots),
        mask_(kFirstSlots - 1) {}

  Line& operator[](std::uint32_t index) { return lines_[index]; }
  std::size_t size() const { return lines_.size(); }
  LineStatistics& statistics(std::uint32_t index) { return statistics_[index]; }
  const LineStatistics& statistics(std::uint32_t index) const { return statistics_[index]; }

  // The time that owners in each package had the line.
  std::span<Picoseconds> kept(std::uint32_t index) {
    return std::span(kept_).subspan(index * std::size_t{packages_}, packages_);
  }
  std::span<const Picoseconds> kept(std::uint32_t index) const {
    return std::span(kept_).subspan(index * std::size_t{packages_}, packages_);
  }

  // The line of an address.
  MMSCALE_INLINE std::uint32_t index_of(const void* address) {
    const std::uint64_t key = reinterpret_cast<std::uintptr_t>(address) / kLine;
    for (std::size_t slot = hash(key);; ++slot) {
      const Slot& found = slots_[slot & mask_];
      if (found.key == key) return found.index;
      if (found.key == 0) return insert(key);
    }
  }

  std::uintptr_t address_of(std::uint32_t index) const { return keys_[index] * kLine; }

  Queue& queue(Line& line, std::uint32_t domain) {
    if (line.queues == kNobody) {
      line.queues = static_cast<std::uint32_t>(queues_.size());
      queues_.resize(queues_.size() + domains_);
    }
    return queues_[line.queues + domain];
  }

  bool shared_by(const Line& line, std::uint32_t core) const {
    return line.sharers != kNobody && (sharers_[line.sharers + core / 64] >> (core % 64) & 1) != 0;
  }
  // Whether a read by that core hits.
  bool at_hand(const Line& line, std::uint32_t core) const {
    return line.owner == core || shared_by(line, core);
  }
  void share(Line& line, const Place& place) {
    if (line.sharers == kNobody) {
      line.sharers = static_cast<std::uint32_t>(sharers_.size());
      sharers_.resize(sharers_.size() + words_);
    }
    sharers_[line.sharers + place.core / 64] |= std::uint64_t{1} << (place.core % 64);
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
    statistics_.emplace_back();
    kept_.resize(kept_.size() + packages_);
    keys_.push_back(key);
    place({key, index});
    return index;
  }
  void place(Slot slot) {
    std::size_t at = hash(slot.key);
    while (slots_[at & mask_].key != 0) ++at;
    slots_[at & mask_] = slot;
  }
  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    mask_ = slots_.size() - 1;
    for (const Slot& slot : old)
      if (slot.key != 0) place(slot);
  }

  std::size_t words_;
  unsigned domains_;
  unsigned packages_;
  std::vector<Slot> slots_;
  std::size_t mask_;
  std::vector<Line> lines_;
  std::vector<LineStatistics> statistics_;
  std::vector<Picoseconds> kept_;
  std::vector<Queue> queues_;
  std::vector<std::uint64_t> keys_;
  std::vector<std::uint64_t> sharers_;
};

}  // namespace mmscale::machine::simulator
