// SPDX-License-Identifier: MIT
#include "workload/mix_load.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "machine/machine.h"
#include "workload/wrapped_load.h"

namespace mmscale::workload {
namespace {

// A program's steps come in three parts: birth, a round that is repeated, death.
constexpr std::uint32_t kBirthEnd = 1;

// Ends where the steps switch to the user task again to die.
std::uint32_t round_end(std::span<const Step> steps) {
  std::size_t last = steps.size() - 1;
  while (steps[last].op != Op::switch_to) --last;
  return static_cast<std::uint32_t>(last);
}

class MixLoad final : public WrappedLoad {
 public:
  MixLoad(std::unique_ptr<Load> inner, std::uint64_t lifetime)
      : WrappedLoad(std::move(inner)), lifetime_(lifetime), lives_(cpus()) {}

  std::uint32_t switches_per_round(unsigned) const override { return 2; }
  // As a whole it does not consist of the inner one's steps.
  std::span<const Step> steps(unsigned) const override { return {}; }

  bool run(unsigned cpu, std::uint64_t rounds) override {
    Life& life = lives_[cpu];
    const auto all = inner().steps(cpu);
    const auto death = round_end(all);
    while (rounds != 0) {
      if (!life.born) {
        if (!inner().run_part(cpu, 0, kBirthEnd, 1)) return false;
        life.born = true;
        life.rounds_left = lifetime_ / 2 - 1;
      }
      if (lifetime_ != 0 && life.rounds_left == 0) {
        if (!inner().run_part(cpu, death, static_cast<std::uint32_t>(all.size()), 1)) return false;
        life.born = false;
        --rounds;
        continue;
      }
      const std::uint64_t now = lifetime_ == 0 ? rounds : std::min(rounds, life.rounds_left);
      if (!inner().run_part(cpu, kBirthEnd, death, now)) return false;
      life.rounds_left -= now;
      rounds -= now;
    }
    return true;
  }

 private:
  // Where one CPU's thread stands.
  struct alignas(machine::kApart) Life {
    bool born = false;
    std::uint64_t rounds_left = 0;
  };

  const std::uint64_t lifetime_;
  std::vector<Life> lives_;
};

}  // namespace

Program mix_program(const PatternParameters& parameters) {
  PatternParameters shortest = parameters;
  shortest.lifetime = 4;
  return find_pattern("exit")->build(shortest);
}

std::unique_ptr<Load> make_mix_load(std::unique_ptr<Load> of_mix_program, std::uint64_t lifetime) {
  if (lifetime % 2 != 0) throw std::invalid_argument("mix: a lifetime is an even number of switches");
  return std::make_unique<MixLoad>(std::move(of_mix_program), lifetime);
}

}  // namespace mmscale::workload
