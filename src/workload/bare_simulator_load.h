// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "machine/simulator/simulator.h"
#include "workload/simulator_loads.h"

namespace mmscale::workload {

// A Load without an emulated kernel, in virtual time. `Lines` is what its CPUs share; homed() says what of it is at home in
// the memory of a node. `Base` is SimulatorLoad or more than it.
template <class Lines, class Base = SimulatorLoad>
class BareSimulatorLoad : public Base {
 public:
  using Machine = machine::simulator::Simulator<false>;

  BareSimulatorLoad(std::unique_ptr<Lines> lines, const machine::simulator::Model& model,
                    const std::vector<unsigned>& pus, unsigned home_node)
      : lines_(std::move(lines)),
        world_(model, places_of(model, pus), package_of_node(model, home_node), lines_->homed()),
        system_(world_) {
    for (unsigned cpu = 0; cpu < pus.size(); ++cpu)
      machines_.push_back(std::make_unique<Machine>(system_, cpu));
  }

  void rest(unsigned cpu, machine::simulator::Picoseconds time) override { machines_[cpu]->rest(time); }
  const machine::simulator::World& world() const override { return world_; }
  unsigned cpus() const override { return static_cast<unsigned>(machines_.size()); }
  void boot(unsigned, unsigned) override {}
  void finish(unsigned) override {}

 protected:
  machine::simulator::World& own_world() override { return world_; }

  const std::unique_ptr<Lines> lines_;
  machine::simulator::World world_;
  Machine::System system_;
  std::vector<std::unique_ptr<Machine>> machines_;
};

}  // namespace mmscale::workload
