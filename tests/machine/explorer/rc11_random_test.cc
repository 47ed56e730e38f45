// SPDX-License-Identifier: MIT
//
// The explorer's rc11 against RC11's axioms (rc11_axioms.h) on thousands of random programs: the same outcomes, with
// reduction, with remembered states and with neither. Under a sanitizer fewer are tried.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <sstream>
#include <string>

#include "rc11_program.h"

#if !defined(__SANITIZE_THREAD__)
namespace mmscale::machine::explorer {
namespace {

using namespace test;
using enum std::memory_order;

#if defined(__SANITIZE_ADDRESS__)
constexpr unsigned kPrograms = 50;
#else
constexpr unsigned kPrograms = 1000;
#endif

class Random {
 public:
  explicit Random(unsigned seed) : bits_(seed) {}
  unsigned below(unsigned n) { return static_cast<unsigned>(bits_() % n); }
  template <std::size_t n>
  std::memory_order order(const std::memory_order (&orders)[n], bool sc_accesses) {
    return orders[below(n - (sc_accesses ? 0 : 1))];
  }

 private:
  std::mt19937 bits_;
};

// Threads of together at most eight accesses, fences among them; long ones are few, since the axioms are tried on every
// choice of what is read from where. Values tell every store.
Threads random_program(Random& random, unsigned count, unsigned locations) {
  constexpr std::memory_order kLoads[] = {relaxed, relaxed, acquire, seq_cst};
  constexpr std::memory_order kStores[] = {relaxed, relaxed, release, seq_cst};
  constexpr std::memory_order kBoth[] = {relaxed, acquire, release, acq_rel, seq_cst};
  constexpr std::memory_order kFences[] = {acquire, release, acq_rel, seq_cst, seq_cst, seq_cst};
  Threads threads(count);
  const unsigned accesses = 2 + std::min({random.below(7), random.below(7), random.below(7)});
  const bool sc_accesses = random.below(3) == 0;
  for (unsigned i = 0; i < accesses; ++i) {
    auto& thread = threads[random.below(static_cast<unsigned>(threads.size()))];
    if (!thread.empty() && random.below(4) == 0) thread.push_back(F(kFences[random.below(6)]));
    const unsigned location = random.below(locations);
    const std::uint64_t value = std::uint64_t{1} << (4 * i);
    switch (random.below(5)) {
      case 0:
      case 1:
        thread.push_back(R(location, random.order(kLoads, sc_accesses)));
        break;
      case 2:
      case 3:
        thread.push_back(W(location, value, random.order(kStores, sc_accesses)));
        break;
      default:
        thread.push_back(U(location, value, random.order(kBoth, sc_accesses)));
    }
  }
  return threads;
}

std::string text_of(const Threads& threads) {
  std::ostringstream out;
  for (const auto& thread : threads) {
    for (const Instruction& one : thread)
      out << "RWUF"[static_cast<int>(one.kind)] << one.location << "." << static_cast<int>(one.order) << " ";
    out << "| ";
  }
  return out.str();
}

class Rc11Random : public ::testing::TestWithParam<unsigned> {};

TEST_P(Rc11Random, HasTheOutcomesThatTheAxiomsAllow) {
  Random random(GetParam());
  for (unsigned i = 0; i < kPrograms; ++i) {
    // Every eighth program has four threads and three locations.
    const bool wide = i % 8 == 7;
    const unsigned locations = wide ? 3 : 2;
    const Threads threads = random_program(random, wide ? 4 : 2 + random.below(2), locations);
    const std::set<Outcome> allowed = Axioms(threads, locations).outcomes();
    ASSERT_EQ(explored(threads, locations), allowed) << text_of(threads);
    ASSERT_EQ(explored(threads, locations, {.remember_after = 0}), allowed) << text_of(threads);
    ASSERT_EQ(explored(threads, locations, {.reduce = false}), allowed) << text_of(threads);
  }
}

INSTANTIATE_TEST_SUITE_P(Explorer, Rc11Random, ::testing::Range(1u, 11u));

}  // namespace
}  // namespace mmscale::machine::explorer
#endif
