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

#include "workload/build_by_name.h"
#include "workload/engine_load.h"
#include "workload/simulator_loads.h"
#include "workload/simulator_world.h"

namespace mmscale::workload {
namespace {

using Machine = SimulatorWorld::Machine;
using Mm = kernel::Mm<Machine>;

class EngineInVirtualTime final : public EngineLoad<Machine, SimulatorWorld, SimulatorLoad> {
 public:
  EngineInVirtualTime(const kernel::Build<Machine>& build, const SimulatorSpec& spec, Program program)
      : EngineLoad(build, std::move(program), spec.rules, run_steps<kernel::ByTable, Machine>, nullptr,
                   *spec.model, places_of(*spec.model, spec.pus),
                   package_of_node(*spec.model, spec.home_node), spec.scheduling),
        slot_bytes_(Mm::bytes(cpus(), build)),
        unused_(build.scheme.layout == kernel::MmLayout::packed ? 1 : 0) {}

  void rest(unsigned cpu, machine::simulator::Picoseconds time) override { machines_[cpu]->rest(time); }
  const machine::simulator::World& world() const override { return world_.fibers(); }

  // The slots of the mms follow each other, init_mm first; in each, mm_count is in the first line that is used: the
  // packed layout leaves one out. Lines are counted from there.
  std::string what_is(std::uintptr_t address) const override {
    const auto begin = reinterpret_cast<std::uintptr_t>(world_.bytes().data());
    if (address < begin || address >= begin + world_.bytes().size()) return "not of an mm";
    const std::size_t slot = (address - begin) / slot_bytes_;
    const std::size_t line = (address - begin) % slot_bytes_ / machine::kLine - unused_;
    const std::string mm = slot == 0 ? "init_mm" : fmt::format("mm {}", slot);
    if (line == 0) return mm + ", mm_count";
    if (line >= sizeof(Mm) / machine::kLine - unused_)
      return fmt::format("{}, mm_cpumask, line {}", mm, line);
    return fmt::format("{}, line {}", mm, line);
  }

 private:
  machine::simulator::World& own_world() override { return world_.fibers(); }

  const std::size_t slot_bytes_;
  // Lines at the begin of a slot that nobody touches.
  const std::size_t unused_;
};

}  // namespace

std::unique_ptr<SimulatorLoad> make_simulator_load(const SimulatorSpec& spec, Program program) {
  const auto build = build_by_name<Machine>(spec.scheme, spec.lifecycle, spec.options);
  return std::make_unique<EngineInVirtualTime>(build, spec, std::move(program));
}

}  // namespace mmscale::workload
