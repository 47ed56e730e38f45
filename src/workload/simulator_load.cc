// SPDX-License-Identifier: MIT
//
// The engine in virtual time, as a Load.
#include "machine/plain_inline.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "machine/simulator/arena.h"
#include "machine/simulator/simulator.h"
#include "workload/build_by_name.h"
#include "workload/engine.h"
#include "workload/simulator_loads.h"

namespace mmscale::workload {
namespace {

using Machine = machine::simulator::Simulator<false>;
using Mm = kernel::Mm<Machine>;

class EngineInVirtualTime final : public SimulatorLoad {
 public:
  EngineInVirtualTime(const kernel::Build<Machine>& build, const SimulatorSpec& spec, Program program)
      : program_(std::move(program)),
        slot_bytes_(Mm::bytes(cpus(), build)),
        unused_(build.scheme.layout == kernel::MmLayout::packed ? 1 : 0),
        memory_(Engine<Machine>::memory_bytes(build, program_)),
        world_(*spec.model, places_of(spec), package_of_node(spec), memory_.bytes(), spec.scheduling),
        system_(world_),
        engine_(build, program_, memory_.bytes(), spec.rules),
        machines_(cpus()) {}

  void run_all(const std::function<void(unsigned)>& body) override { world_.run(body); }
  void rest(unsigned cpu, machine::simulator::Picoseconds time) override { machines_[cpu]->rest(time); }
  machine::simulator::Picoseconds now(unsigned cpu) const override { return world_.now(cpu); }
  const machine::simulator::Statistics& statistics() const override { return world_.statistics(); }

  std::vector<LineReport> busiest_lines(std::size_t most) const override {
    return workload::busiest_lines(world_, most, [this](std::uintptr_t at) { return what_is(at); });
  }

  unsigned cpus() const override { return static_cast<unsigned>(program_.cpus.size()); }
  void boot(unsigned cpu, unsigned) override {
    machines_[cpu] = std::make_unique<Machine>(system_, cpu);
    engine_.boot(*machines_[cpu]);
  }
  bool run(unsigned cpu, std::uint64_t rounds) override { return engine_.run(*machines_[cpu], rounds); }
  std::span<const Step> steps(unsigned cpu) const override { return program_.cpus[cpu].steps; }
  bool run_part(unsigned cpu, std::uint32_t first, std::uint32_t last, std::uint64_t times) override {
    return engine_.run_part(*machines_[cpu], first, last, times);
  }
  void stop(unsigned cpu) override { engine_.stop(*machines_[cpu]); }
  void finish(unsigned cpu) override { engine_.finish(*machines_[cpu]); }
  std::uint32_t switches_per_round(unsigned cpu) const override { return program_.cpus[cpu].switches; }
  kernel::Tally tally(unsigned cpu) const override {
    kernel::Tally tally = engine_.tally(cpu);
    tally.ipis_raised = machines_[cpu]->ipi_tally().raised;
    return tally;
  }

  std::vector<std::string> audit() override {
    std::uint64_t queued = 0;
    for (const auto& machine : machines_) queued += machine->ipi_tally().queued;
    // Loads values only, but in virtual time like everything: on CPU 0's fiber.
    std::vector<std::string> problems;
    world_.run([&](unsigned cpu) {
      if (cpu == 0) problems = engine_.audit(*machines_[0], queued);
    });
    return problems;
  }

 private:
  // The slots of the mms follow each other, init_mm first; in each, mm_count is in the first line that is used: the
  // packed layout leaves one out. Lines are counted from there.
  std::string what_is(std::uintptr_t address) const {
    const auto begin = reinterpret_cast<std::uintptr_t>(memory_.bytes().data());
    if (address < begin || address >= begin + memory_.bytes().size()) return "not of an mm";
    const std::size_t slot = (address - begin) / slot_bytes_;
    const std::size_t line = (address - begin) % slot_bytes_ / machine::kLine - unused_;
    const std::string mm = slot == 0 ? "init_mm" : fmt::format("mm {}", slot);
    if (line == 0) return mm + ", mm_count";
    if (line >= sizeof(Mm) / machine::kLine - unused_)
      return fmt::format("{}, mm_cpumask, line {}", mm, line);
    return fmt::format("{}, line {}", mm, line);
  }

  const Program program_;
  const std::size_t slot_bytes_;
  // Lines at the begin of a slot that nobody touches.
  const std::size_t unused_;
  const machine::simulator::Arena memory_;
  machine::simulator::World world_;
  Machine::System system_;
  Engine<Machine> engine_;
  std::vector<std::unique_ptr<Machine>> machines_;
};

}  // namespace

std::unique_ptr<SimulatorLoad> make_simulator_load(const SimulatorSpec& spec, Program program) {
  const auto build = build_by_name<Machine>(spec.scheme, spec.lifecycle, spec.options);
  return std::make_unique<EngineInVirtualTime>(build, spec, std::move(program));
}

}  // namespace mmscale::workload
