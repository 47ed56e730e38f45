// SPDX-License-Identifier: MIT
//
// The engine as a Load, in any world.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "workload/engine.h"
#include "workload/load.h"

namespace mmscale::workload {

// `Base` is Load or more than it. `World` owns what the emulated CPUs stand on and outlives them: `bytes()`, the memory of
// the mms, and `machine(cpu, os_cpu)`, which makes one.
template <class M, class World, class Base = Load>
class EngineLoad : public Base {
 public:
  // `world`: the arguments of World's constructor behind the bytes of memory and the number of CPUs. `loop` fits the build
  // (engine.h); `watch`, if any, outlives the load.
  template <class... Args>
  EngineLoad(const kernel::Build<M>& build, Program program, kernel::Rules rules, Loop<M> loop,
             Watch<M>* watch, Args&&... world)
      : program_(std::move(program)),
        world_(Engine<M>::memory_bytes(build, program_), static_cast<unsigned>(program_.cpus.size()),
               std::forward<Args>(world)...),
        engine_(build, program_, world_.bytes(), rules, loop, watch),
        machines_(program_.cpus.size()) {}

  unsigned cpus() const override { return static_cast<unsigned>(program_.cpus.size()); }
  void boot(unsigned cpu, unsigned os_cpu) override {
    machines_[cpu] = world_.machine(cpu, os_cpu);
    engine_.boot(*machines_[cpu]);
  }
  bool run(unsigned cpu, std::uint64_t rounds) override { return engine_.run(*machines_[cpu], rounds); }
  std::span<const Step> steps(unsigned cpu) const override { return program_.cpus[cpu].steps; }
  bool run_part(unsigned cpu, std::uint32_t first, std::uint32_t last, std::uint64_t times) override {
    return engine_.run_part(*machines_[cpu], first, last, times);
  }
  void stop(unsigned cpu) override { engine_.stop(*machines_[cpu]); }
  void finish(unsigned cpu) override {
    engine_.finish(*machines_[cpu]);
    world_.detach(cpu);
  }

  std::uint32_t switches_per_round(unsigned cpu) const override { return program_.cpus[cpu].switches; }
  kernel::Tally tally(unsigned cpu) const override { return tally_of(engine_.tally(cpu), *machines_[cpu]); }

  std::vector<std::string> audit() override {
    return world_.template on_cpu_0<std::vector<std::string>>(
        [this] { return engine_.audit(*machines_[0], queued_by(machines_)); });
  }

 protected:
  const Program program_;
  World world_;
  Engine<M> engine_;
  std::vector<std::unique_ptr<M>> machines_;
};

}  // namespace mmscale::workload
