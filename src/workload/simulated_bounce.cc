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
        of_(cpus(), Exchanges(cpus())) {
    watch();
  }

  std::string what_is(std::uintptr_t) const override { return "the shared line"; }

  bool run(unsigned cpu, std::uint64_t rounds) override {
    for (; rounds != 0; --rounds)
      ++of_[cpu].now[machines_[cpu]->exchange(lines_->cpu, cpu, std::memory_order_acq_rel)];
    return true;
  }

  void open_window(unsigned cpu) override {
    SimulatedBounce::open_window(cpu);
    of_[cpu].put_away();
  }
  void close_window(unsigned cpu) override {
    SimulatedBounce::close_window(cpu);
    of_[cpu].close_window();
  }
  std::span<const std::uint64_t> taken_from(unsigned cpu) const override {
    return std::span(of_[cpu].window).first(cpus());
  }

  std::vector<std::string> audit() override {
    std::vector<std::uint64_t> taken;
    for (Exchanges& one : of_) {
      one.put_away();
      taken.insert(taken.end(), one.whole_run.begin(), one.whole_run.end());
    }
    return unbalanced(taken, cpus(), lines_->cpu);
  }

 private:
  std::vector<Exchanges> of_;
};

}  // namespace

std::unique_ptr<SimulatedBounce> make_simulated_bounce(const SimulatorSpec& place) {
  if (place.pus.size() < 2) throw std::invalid_argument("bounce: a line travels between 2 CPUs or more");
  return std::make_unique<BounceInVirtualTime>(place);
}

}  // namespace mmscale::workload
