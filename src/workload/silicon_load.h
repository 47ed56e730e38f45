// SPDX-License-Identifier: MIT
//
// The engine on real CPUs, as a Load: with and without the oracle, and for tests with schemes of their own.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "machine/silicon/home_memory.h"
#include "machine/silicon/silicon.h"
#include "machine/silicon/transport.h"
#include "workload/engine.h"
#include "workload/load.h"
#include "workload/silicon_loads.h"

namespace mmscale::workload {

template <class Machine>
class SiliconLoad final : public Load {
 public:
  // `loop` fits the build (engine.h); names in `spec` say nothing here.
  SiliconLoad(const kernel::Build<Machine>& build, const SiliconSpec& spec, Program program,
              Loop<Machine> loop = run_steps<kernel::ByTable, Machine>)
      : program_(std::move(program)),
        memory_(Engine<Machine>::memory_bytes(build, program_), spec.home_node),
        transport_(machine::silicon::make_transport(spec.transport, cpus())),
        system_(cpus(), *transport_),
        engine_(build, program_, memory_.bytes(), spec.rules, loop),
        machines_(cpus()) {}

  unsigned cpus() const override { return static_cast<unsigned>(program_.cpus.size()); }

  void boot(unsigned cpu, unsigned os_cpu) override {
    machines_[cpu] = std::make_unique<Machine>(system_, cpu, os_cpu);
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
    // Now, on the CPU's own thread: its Machine may be destroyed by another, and a signal that is still on
    // its way must not find it then. All requests have been answered.
    transport_->detach(cpu);
  }

  std::uint32_t switches_per_round(unsigned cpu) const override { return program_.cpus[cpu].switches; }
  kernel::Tally tally(unsigned cpu) const override {
    kernel::Tally tally = engine_.tally(cpu);
    tally.ipis_raised = machines_[cpu]->ipi_tally().raised;
    return tally;
  }

  std::vector<std::string> audit() override {
    std::uint64_t queued = 0;
    for (const auto& machine : machines_) queued += machine->ipi_tally().queued;
    return engine_.audit(*machines_[0], queued);
  }

 private:
  const Program program_;
  machine::silicon::HomeMemory memory_;
  std::unique_ptr<machine::silicon::Transport> transport_;
  typename Machine::System system_;
  Engine<Machine> engine_;
  std::vector<std::unique_ptr<Machine>> machines_;
};

}  // namespace mmscale::workload
