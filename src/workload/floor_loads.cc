// SPDX-License-Identifier: MIT
#include "workload/floor_loads.h"

#include <fmt/format.h>

#include <optional>
#include <stdexcept>

#include "machine/machine.h"
#include "machine/silicon/home_memory.h"
#include "workload/bare_load.h"

namespace mmscale::workload {
namespace {

using Word = std::atomic<std::int32_t>;

std::uint64_t pairs(Word& counter, std::uint64_t rounds) {
  std::uint64_t zeros = 0;
  for (; rounds != 0; --rounds) {
    counter.fetch_add(1, std::memory_order_relaxed);
    if (counter.fetch_sub(1, std::memory_order_seq_cst) == 1) [[unlikely]]
      ++zeros;
  }
  return zeros;
}

// One access after the other, none waiting for another's end.
template <void (*kAccess)(Word&)>
std::uint64_t repeat(Word& counter, std::uint64_t rounds) {
  for (; rounds != 0; --rounds) {
    kAccess(counter);
    asm volatile("" ::: "memory");
  }
  return 0;
}

void nothing(Word&) {}
// Without a use the compiler could drop it.
void load(Word& word) { asm volatile("" ::"r"(word.load(std::memory_order_relaxed))); }
void store(Word& word) { word.store(1, std::memory_order_relaxed); }
// What a scheme pays for one smp_mb() when nothing is in the store buffer.
void fence(Word&) {
#if !defined(__SANITIZE_THREAD__)  // GCC refuses fences there; nothing is measured either.
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

constexpr Floor kFloors[] = {
    {"empty", "the loop without a body", repeat<nothing>},
    {"private", "inc + dec_and_test, each CPU on a line of its own", pairs},
    {"incdec", "inc + dec_and_test, all CPUs on one line", pairs, true},
    {"fence", "a full memory barrier (smp_mb), alone", repeat<fence>},
};

constexpr Floor kHits[] = {
    {"load", "one load after the other of a CPU's own line", repeat<load>},
    {"store", "one store after the other to a CPU's own line", repeat<store>},
};

struct alignas(machine::kApart) Counter {
  Word value{1};
};

class FloorLoad final : public BareLoad {
 public:
  FloorLoad(const Floor& floor, unsigned cpus, unsigned home_node)
      : BareLoad(cpus), floor_(floor), own_(cpus), zeros_(cpus) {
    if (!floor.is_shared) return;
    memory_.emplace(sizeof(Counter), home_node);
    shared_ = new (memory_->bytes().data()) Counter;
  }

  // A counter of its own is made by the pinned thread, so that it is local to it.
  void boot(unsigned cpu, unsigned os_cpu) override {
    if (shared_ == nullptr) own_[cpu] = std::make_unique<Counter>();
    BareLoad::boot(cpu, os_cpu);
  }

  bool contends_only() const override { return true; }
  bool run(unsigned cpu, std::uint64_t rounds) override {
    zeros_[cpu].value += floor_.run(counter(cpu), rounds);
    return true;
  }

  std::vector<std::string> audit() override {
    std::vector<std::string> problems;
    for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
      if (zeros_[cpu].value != 0)
        problems.push_back(fmt::format("cpu {} saw its counter reach zero {} times", cpu, zeros_[cpu].value));
      if (const std::int32_t left = counter(cpu).load(std::memory_order_relaxed); left != 1)
        problems.push_back(fmt::format("cpu {}'s counter is {} instead of 1", cpu, left));
    }
    return problems;
  }

 private:
  struct alignas(machine::kApart) Zeros {
    std::uint64_t value = 0;
  };

  Word& counter(unsigned cpu) { return (shared_ != nullptr ? shared_ : own_[cpu].get())->value; }

  const Floor& floor_;
  std::optional<machine::silicon::HomeMemory> memory_;
  Counter* shared_ = nullptr;
  std::vector<std::unique_ptr<Counter>> own_;
  std::vector<Zeros> zeros_;
};

}  // namespace

std::span<const Floor> floors() { return kFloors; }

std::span<const Floor> hits() { return kHits; }

std::unique_ptr<Load> make_floor_load(std::string_view name, unsigned cpus, unsigned home_node) {
  for (const auto& some : {floors(), hits()})
    for (const Floor& floor : some)
      if (floor.name == name) return std::make_unique<FloorLoad>(floor, cpus, home_node);
  throw std::invalid_argument(fmt::format("no floor '{}'", name));
}

}  // namespace mmscale::workload
