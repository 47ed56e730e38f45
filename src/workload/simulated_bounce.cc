// SPDX-License-Identifier: MIT
#include "workload/simulated_bounce.h"

#include <atomic>
#include <stdexcept>
#include <utility>
#include <vector>

#include "machine/simulator/simulator.h"

namespace mmscale::workload {
namespace {

using Machine = machine::simulator::Simulator<false>;

struct alignas(machine::kApart) Holder {
  std::uint32_t cpu;
};

class BounceInVirtualTime final : public SimulatedBounce {
 public:
  explicit BounceInVirtualTime(const SimulatorSpec& place)
      : cpus_(static_cast<unsigned>(place.pus.size())),
        holder_(std::make_unique<Holder>(cpus_)),
        world_(*place.model, places_of(*place.model, place.pus),
               package_of_node(*place.model, place.home_node), std::as_bytes(std::span(holder_.get(), 1))),
        system_(world_),
        now_(cpus_, std::vector<std::uint64_t>(cpus_ + 1)),
        window_(now_),
        whole_run_(now_) {
    for (unsigned cpu = 0; cpu < cpus_; ++cpu) machines_.push_back(std::make_unique<Machine>(system_, cpu));
    watch();
  }

  void rest(unsigned cpu, machine::simulator::Picoseconds time) override { machines_[cpu]->rest(time); }
  const machine::simulator::World& world() const override { return world_; }
  std::string what_is(std::uintptr_t) const override { return "the shared line"; }

  unsigned cpus() const override { return cpus_; }
  void boot(unsigned, unsigned) override {}
  bool run(unsigned cpu, std::uint64_t rounds) override {
    for (; rounds != 0; --rounds)
      ++now_[cpu][machines_[cpu]->exchange(holder_->cpu, cpu, std::memory_order_acq_rel)];
    return true;
  }
  void finish(unsigned) override {}

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
    return std::span(window_[cpu]).first(cpus_);
  }

  std::vector<std::string> audit() override {
    std::vector<std::uint64_t> taken;
    for (unsigned cpu = 0; cpu < cpus_; ++cpu) {
      put_away(cpu);
      taken.insert(taken.end(), whole_run_[cpu].begin(), whole_run_[cpu].end());
    }
    return unbalanced(taken, cpus_, holder_->cpu);
  }

 private:
  machine::simulator::World& own_world() override { return world_; }

  void put_away(unsigned cpu) {
    for (std::size_t i = 0; i < now_[cpu].size(); ++i) whole_run_[cpu][i] += std::exchange(now_[cpu][i], 0);
  }

  const unsigned cpus_;
  const std::unique_ptr<Holder> holder_;
  machine::simulator::World world_;
  Machine::System system_;
  std::vector<std::unique_ptr<Machine>> machines_;
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
