// SPDX-License-Identifier: MIT
#include "workload/simulated_bounce.h"

#include <atomic>
#include <stdexcept>
#include <utility>
#include <vector>

#include "workload/bare_simulator_load.h"

namespace mmscale::workload {
namespace {

struct alignas(machine::kApart) Holder {
  std::uint32_t cpu;
  std::span<const std::byte> homed() const { return std::as_bytes(std::span(this, 1)); }
};

class BounceInVirtualTime final : public BareSimulatorLoad<Holder, SimulatedBounce> {
 public:
  explicit BounceInVirtualTime(const SimulatorSpec& place)
      : BareSimulatorLoad(std::make_unique<Holder>(static_cast<std::uint32_t>(place.pus.size())),
                          *place.model, place.pus, place.home_node),
        now_(cpus(), std::vector<std::uint64_t>(cpus() + 1)),
        window_(now_),
        whole_run_(now_) {
    watch();
  }

  std::string what_is(std::uintptr_t) const override { return "the shared line"; }

  bool run(unsigned cpu, std::uint64_t rounds) override {
    for (; rounds != 0; --rounds)
      ++now_[cpu][machines_[cpu]->exchange(lines_->cpu, cpu, std::memory_order_acq_rel)];
    return true;
  }

  void open_window(unsigned cpu) override {
    SimulatedBounce::open_window(cpu);
    put_away(cpu);
  }
  void close_window(unsigned cpu) override {
    SimulatedBounce::close_window(cpu);
    window_[cpu] = now_[cpu];
    put_away(cpu);
  }
  std::span<const std::uint64_t> taken_from(unsigned cpu) const override {
    return std::span(window_[cpu]).first(cpus());
  }

  std::vector<std::string> audit() override {
    std::vector<std::uint64_t> taken;
    for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
      put_away(cpu);
      taken.insert(taken.end(), whole_run_[cpu].begin(), whole_run_[cpu].end());
    }
    return unbalanced(taken, cpus(), lines_->cpu);
  }

 private:
  void put_away(unsigned cpu) {
    for (std::size_t i = 0; i < now_[cpu].size(); ++i) whole_run_[cpu][i] += std::exchange(now_[cpu][i], 0);
  }

  // Of each CPU, by the CPU that had the line; behind the CPUs a place for nobody.
  std::vector<std::vector<std::uint64_t>> now_;
  std::vector<std::vector<std::uint64_t>> window_;
  std::vector<std::vector<std::uint64_t>> whole_run_;
};

}  // namespace

std::unique_ptr<SimulatedBounce> make_simulated_bounce(const SimulatorSpec& place) {
  if (place.pus.size() < 2) throw std::invalid_argument("bounce: a line travels between 2 CPUs or more");
  return std::make_unique<BounceInVirtualTime>(place);
}

}  // namespace mmscale::workload
