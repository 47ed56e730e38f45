// SPDX-License-Identifier: MIT
//
// What emulated CPUs stand on in virtual time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "machine/simulator/arena.h"
#include "machine/simulator/simulator.h"
#include "machine/simulator/world.h"

namespace mmscale::workload {

class SimulatorWorld {
 public:
  using Machine = machine::simulator::Simulator<false>;

  // `home_package`: whose memory the mms are in.
  SimulatorWorld(std::size_t bytes, unsigned, const machine::simulator::Model& model,
                 const std::vector<machine::simulator::Place>& places, std::uint32_t home_package,
                 machine::simulator::Scheduling scheduling = machine::simulator::Scheduling::run_on)
      : memory_(bytes), fibers_(model, places, home_package, memory_.bytes(), scheduling), system_(fibers_) {}

  std::span<std::byte> bytes() const { return memory_.bytes(); }
  std::unique_ptr<Machine> machine(unsigned cpu, unsigned) { return std::make_unique<Machine>(system_, cpu); }
  void detach(unsigned) {}
  void watch_calls(Machine::CallWatch* watch) { system_.watch(watch); }

  // Where every CPU is a fiber.
  machine::simulator::World& fibers() { return fibers_; }
  const machine::simulator::World& fibers() const { return fibers_; }

  // What loads values only passes virtual time all the same.
  template <class Result, class Body>
  Result on_cpu_0(Body&& body) {
    Result result;
    fibers_.run([&](unsigned cpu) {
      if (cpu == 0) result = body();
    });
    return result;
  }

 private:
  const machine::simulator::Arena memory_;
  machine::simulator::World fibers_;
  Machine::System system_;
};

}  // namespace mmscale::workload
