// SPDX-License-Identifier: MIT
//
// The emulated kernel in virtual time: every scheme of the catalogue under every lifecycle, by name.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "kernel/build.h"
#include "machine/simulator/world.h"
#include "workload/load.h"
#include "workload/program.h"

namespace mmscale::workload {

struct SimulatorSpec {
  std::string_view scheme;
  std::string_view lifecycle = "powerpc";
  kernel::Rules rules = {};
  const machine::simulator::Model* model = nullptr;
  // Where emulated CPU i is: OS indexes of the model's layout.
  std::vector<unsigned> pus;
  // NUMA node of the mms: the package whose CPUs it is local to.
  unsigned home_node = 0;
  machine::simulator::Scheduling scheduling = machine::simulator::Scheduling::run_on;
};

// A Load whose CPUs are fibers. boot, run, stop and finish may only be called inside run_all.
class SimulatorLoad : public Load {
 public:
  // Runs body(cpu) as each CPU, until all have returned. Throws machine::simulator::Deadlock.
  virtual void run_all(const std::function<void(unsigned)>& body) = 0;
  // That CPU's virtual time.
  virtual machine::simulator::Picoseconds now(unsigned cpu) const = 0;
  virtual const machine::simulator::Statistics& statistics() const = 0;
};

// A Load that runs `program`, with default build options and without the oracle, whose accesses would cost
// time. Throws std::invalid_argument for a scheme or lifecycle that does not exist, a PU that the model does
// not have, and too many coherence domains.
std::unique_ptr<SimulatorLoad> make_simulator_load(const SimulatorSpec& spec, Program program);

}  // namespace mmscale::workload
