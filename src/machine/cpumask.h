// SPDX-License-Identifier: MIT
//
// A private set of emulated CPU numbers: the kernel's `struct cpumask` as a local variable. The shared bitmap
// that switch_mm writes is mm_cpumask (kernel/mm.h); a sender copies that one into a CpuMask before it sends,
// as smp_call_function_many copies into its per-CPU cfd->cpumask.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace mmscale::machine {

class CpuMask {
 public:
  static constexpr unsigned kBitsPerWord = 64;

  static constexpr unsigned words_for(unsigned cpus) { return (cpus + kBitsPerWord - 1) / kBitsPerWord; }

  // An empty set able to hold CPU numbers 0 to cpus - 1. Allocates; make it before the clock starts.
  explicit CpuMask(unsigned cpus) : words_(words_for(cpus)) {}

  void clear() { words_.assign(words_.size(), 0); }
  void set(unsigned cpu) { words_[cpu / kBitsPerWord] |= bit(cpu); }
  void reset(unsigned cpu) { words_[cpu / kBitsPerWord] &= ~bit(cpu); }
  bool test(unsigned cpu) const { return (words_[cpu / kBitsPerWord] & bit(cpu)) != 0; }

  unsigned count() const {
    unsigned n = 0;
    for (auto word : words_) n += static_cast<unsigned>(std::popcount(word));
    return n;
  }

  // Whole words, for copying from the shared bitmap one load a word.
  void set_word(unsigned index, std::uint64_t bits) { words_[index] = bits; }
  unsigned words() const { return static_cast<unsigned>(words_.size()); }
  // Where it is kept, for who puts memory aside and back.
  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(words_)); }

  // Calls f(cpu) for every member, in ascending order (for_each_cpu).
  template <class F>
  void for_each(F&& f) const {
    for (unsigned w = 0; w < words(); ++w)
      for (std::uint64_t rest = words_[w]; rest != 0; rest &= rest - 1)
        f(w * kBitsPerWord + static_cast<unsigned>(std::countr_zero(rest)));
  }

 private:
  static constexpr std::uint64_t bit(unsigned cpu) { return std::uint64_t{1} << (cpu % kBitsPerWord); }

  std::vector<std::uint64_t> words_;
};

}  // namespace mmscale::machine
