// SPDX-License-Identifier: MIT
#include "workload/floor_loads.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <stdexcept>

#include "machine/machine.h"
#include "machine/silicon/home_memory.h"
#include "workload/bare_load.h"
#include "workload/contends_only.h"

namespace mmscale::workload {
namespace {

constexpr std::array<Floor, 4> kFloors = {{
    {"empty", "the loop without a body"},
    {"private", "inc + dec_and_test, each CPU on a line of its own"},
    {"incdec", "inc + dec_and_test, all CPUs on one line"},
    {"fence", "a full memory barrier (smp_mb), alone"},
}};

constexpr std::array<Floor, 2> kHits = {{
    {"load", "one load after the other of a CPU's own line"},
    {"store", "one store after the other to a CPU's own line"},
}};

struct alignas(machine::kApart) Counter {
  std::atomic<std::int32_t> value{1};
};

// The loops touch one counter each and nothing else.
class FloorLoad : public BareLoad, public ContendsOnly {
 public:
  explicit FloorLoad(unsigned cpus) : BareLoad(cpus), zeros_(cpus) {}

  std::vector<std::string> audit() override {
    std::vector<std::string> problems;
    for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
      if (zeros_[cpu].value != 0)
        problems.push_back(fmt::format("cpu {} saw its counter reach zero {} times", cpu, zeros_[cpu].value));
      if (const std::int32_t left = final_value(cpu); left != 1)
        problems.push_back(fmt::format("cpu {}'s counter is {} instead of 1", cpu, left));
    }
    return problems;
  }

 protected:
  // What the counter of that CPU holds after the run; 1 where there is none.
  virtual std::int32_t final_value(unsigned) const { return 1; }

  bool pairs(unsigned cpu, std::atomic<std::int32_t>& counter, std::uint64_t rounds) {
    std::uint64_t zeros = 0;
    for (; rounds != 0; --rounds) {
      counter.fetch_add(1, std::memory_order_relaxed);
      if (counter.fetch_sub(1, std::memory_order_seq_cst) == 1) [[unlikely]]
        ++zeros;
    }
    zeros_[cpu].value += zeros;
    return true;
  }

 private:
  struct alignas(machine::kApart) Zeros {
    std::uint64_t value = 0;
  };

  std::vector<Zeros> zeros_;
};

class Empty final : public FloorLoad {
 public:
  using FloorLoad::FloorLoad;
  bool run(unsigned, std::uint64_t rounds) override {
    for (; rounds != 0; --rounds) asm volatile("" ::: "memory");
    return true;
  }
};

// What a scheme pays for one smp_mb() when nothing is in the store buffer.
class Fence final : public FloorLoad {
 public:
  using FloorLoad::FloorLoad;
  bool run(unsigned, std::uint64_t rounds) override {
    for (; rounds != 0; --rounds) fence();
    return true;
  }

 private:
  static void fence() {
#if defined(__SANITIZE_THREAD__)
    // GCC refuses fences here; nothing is measured either.
    asm volatile("" ::: "memory");
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
  }
};

class IncDec final : public FloorLoad {
 public:
  IncDec(unsigned cpus, unsigned home_node)
      : FloorLoad(cpus),
        memory_(sizeof(Counter), home_node),
        shared_(*new (memory_.bytes().data()) Counter) {}
  bool run(unsigned cpu, std::uint64_t rounds) override { return pairs(cpu, shared_.value, rounds); }

 private:
  std::int32_t final_value(unsigned) const override { return shared_.value.load(std::memory_order_relaxed); }

  machine::silicon::HomeMemory memory_;
  Counter& shared_;
};

// Each CPU has a counter of its own.
class OwnCounters : public FloorLoad {
 public:
  explicit OwnCounters(unsigned cpus) : FloorLoad(cpus), own_(cpus) {}
  // Made by the pinned thread, so that it is local to it.
  void boot(unsigned cpu, unsigned os_cpu) override {
    own_[cpu] = std::make_unique<Counter>();
    FloorLoad::boot(cpu, os_cpu);
  }

 protected:
  std::atomic<std::int32_t>& own(unsigned cpu) { return own_[cpu]->value; }

 private:
  std::int32_t final_value(unsigned cpu) const override {
    return own_[cpu]->value.load(std::memory_order_relaxed);
  }

  std::vector<std::unique_ptr<Counter>> own_;
};

class Private final : public OwnCounters {
 public:
  using OwnCounters::OwnCounters;
  bool run(unsigned cpu, std::uint64_t rounds) override { return pairs(cpu, own(cpu), rounds); }
};

// A CPU's own line, which kAccess gets at one access after the other, none waiting for another's end.
template <void (*kAccess)(std::atomic<std::int32_t>&)>
class Hit final : public OwnCounters {
 public:
  using OwnCounters::OwnCounters;
  bool run(unsigned cpu, std::uint64_t rounds) override {
    // Out of the loop, where the barrier would have it loaded again each time.
    std::atomic<std::int32_t>& value = own(cpu);
    for (; rounds != 0; --rounds) {
      kAccess(value);
      asm volatile("" ::: "memory");
    }
    return true;
  }
};

void load(std::atomic<std::int32_t>& value) {
  // Without a use the compiler could drop it.
  asm volatile("" ::"r"(value.load(std::memory_order_relaxed)));
}
void store(std::atomic<std::int32_t>& value) { value.store(1, std::memory_order_relaxed); }

}  // namespace

std::span<const Floor> floors() { return kFloors; }

std::span<const Floor> hits() { return kHits; }

std::unique_ptr<Load> make_floor_load(std::string_view name, unsigned cpus, unsigned home_node) {
  if (name == "empty") return std::make_unique<Empty>(cpus);
  if (name == "private") return std::make_unique<Private>(cpus);
  if (name == "fence") return std::make_unique<Fence>(cpus);
  if (name == "load") return std::make_unique<Hit<load>>(cpus);
  if (name == "store") return std::make_unique<Hit<store>>(cpus);
  if (name == "incdec") return std::make_unique<IncDec>(cpus, home_node);
  throw std::invalid_argument(fmt::format("no floor '{}'", name));
}

}  // namespace mmscale::workload
