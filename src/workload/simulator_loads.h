// SPDX-License-Identifier: MIT
//
// The emulated kernel in virtual time: every scheme of the catalogue under every lifecycle, by name.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
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
  kernel::Options options = {};
  kernel::Rules rules = {};
  const machine::simulator::Model* model = nullptr;
  // Where emulated CPU i is: OS indexes of the model's layout.
  std::vector<unsigned> pus;
  // NUMA node of the mms: the package whose CPUs it is local to.
  unsigned home_node = 0;
  machine::simulator::Scheduling scheduling = machine::simulator::Scheduling::run_on;
};

// One line, and what it is.
struct LineReport {
  std::string what;
  machine::simulator::LineStatistics statistics;
  // How long owners in each package had it, by package.
  std::vector<machine::simulator::Picoseconds> kept;
};

// A Load whose CPUs are fibers. boot, run, stop and finish may only be called inside run_all.
class SimulatorLoad : public Load {
 public:
  // Runs body(cpu) as each CPU, until all have returned. Throws machine::simulator::Deadlock.
  void run_all(const std::function<void(unsigned)>& body) { own_world().run(body); }
  // Lets virtual time pass on that CPU, interrupts on.
  virtual void rest(unsigned cpu, machine::simulator::Picoseconds time) = 0;
  // A time shorter than that one, drawn from the model's seed.
  machine::simulator::Picoseconds drawn_below(machine::simulator::Picoseconds end) {
    return own_world().drawn_below(end);
  }
  // That CPU's virtual time.
  machine::simulator::Picoseconds now(unsigned cpu) const { return world().now(cpu); }
  const machine::simulator::Statistics& statistics() const { return world().statistics(); }
  // The lines that most time was spent waiting for, most first.
  std::vector<LineReport> busiest_lines(std::size_t most) const;
  // What is at an address.
  virtual std::string what_is(std::uintptr_t address) const = 0;
  virtual const machine::simulator::World& world() const = 0;

  // From now on, before anything runs, notes who hands the lines of mms to whom.
  void watch() { own_world().watch(); }

  void open_window(unsigned cpu) override;
  void close_window(unsigned cpu) override;
  // Where the time of all CPUs' windows went, and which uses of watched lines were made in them.
  machine::simulator::Spent spent() const;
  std::vector<machine::simulator::HandOver> hand_overs() const;

 protected:
  virtual machine::simulator::World& own_world() = 0;

 private:
  struct Opened {
    machine::simulator::Spent spent;
    // A part of World::hand_overs, in which this CPU's are those of its window.
    std::size_t first = 0;
    std::size_t last = 0;
  };
  std::vector<Opened> opened_;
};

// A Load that runs `program`, without the oracle, whose accesses would cost
// time. Throws std::invalid_argument for a scheme or lifecycle that does not exist, a PU that the model does
// not have, and too many coherence domains.
std::unique_ptr<SimulatorLoad> make_simulator_load(const SimulatorSpec& spec, Program program);

}  // namespace mmscale::workload
