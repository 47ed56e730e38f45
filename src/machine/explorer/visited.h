// SPDX-License-Identifier: MIT
//
// States that an exploration has been in: what begins in the same state ends the same ways, whichever
// interleaving led there, and need not be explored again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "machine/explorer/transition.h"

namespace mmscale::machine::explorer {

// 128 bits that stand for a state: XXH3's of all its bytes. Two states taken for one would need some 10^17 of
// them before it is likely once in ten thousand explorations; here there are at most kMost.
struct Digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  bool operator==(const Digest&) const = default;
};

// Makes a digest of several pieces of memory.
class Digester {
 public:
  void add(std::span<const std::byte> bytes);
  // The same of a few bytes, which are digested together.
  template <class T>
  void add_value(const T& value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    values_.insert(values_.end(), bytes.begin(), bytes.end());
  }
  // Returns the digest of all that was added, and resets.
  Digest take();

 private:
  std::vector<Digest> parts_;
  std::vector<std::byte> values_;
  // Under AddressSanitizer: what is digested, where it may be read.
  std::vector<std::byte> copy_;
};

class Visited {
 public:
  // Whether this state is fully explored, except sleeping transitions. If not, it is about to be: remembers that, up
  // to kMost states. A state that was left while more slept than now must be explored
  // again (Godefroid 1996, 5.4: the set that sleeps is remembered with the state).
  bool covers(const Digest& state, const std::vector<Transition>& asleep);

  std::size_t size() const { return asleep_.size(); }
  void clear() { asleep_.clear(); }

 private:
  // Some 100 bytes each.
  static constexpr std::size_t kMost = 2'000'000;

  struct Low {
    std::size_t operator()(const Digest& digest) const { return digest.low; }
  };
  // What slept in every exploration from that state.
  std::unordered_map<Digest, std::vector<Transition>, Low> asleep_;
};

}  // namespace mmscale::machine::explorer
