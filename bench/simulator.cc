// SPDX-License-Identifier: MIT
//
// Family `simulator`: how fast the simulator itself is, on one CPU of this host.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <numeric>

#include "bench/families.h"
#include "machine/simulator/model_file.h"
#include "measure/findings.h"
#include "workload/simulator_loads.h"

namespace mmscale::bench {
namespace {

// The machine whose sweep has to be quick, and how many of its CPUs.
constexpr std::string_view kMachine = "power8-16s";
constexpr unsigned kSimulated[] = {16, 1536};

// One round simulates a few switches of every simulated CPU, memory and fibers made anew. What counts is the
// time that virtual time passes in.
class SimulatorSpeed final : public workload::Load, public measure::SelfMeasuring {
 public:
  SimulatorSpeed(std::string scheme, unsigned simulated)
      : scheme_(std::move(scheme)), simulated_(simulated), model_(machine::simulator::load_model(kMachine)) {}

  unsigned cpus() const override { return 1; }
  void boot(unsigned, unsigned) override {}
  bool run(unsigned, std::uint64_t rounds) override {
    for (; rounds != 0; --rounds) simulate();
    return true;
  }
  void finish(unsigned) override {}
  void open_window(unsigned) override { accesses_ = events_ = nanoseconds_ = 0; }

  measure::Findings findings(const measure::Window&) const override {
    measure::Findings findings;
    findings.operation = "access";
    findings.operation_ns = static_cast<double>(nanoseconds_) / static_cast<double>(accesses_);
    findings.put("accesses_per_second",
                 1e9 * static_cast<double>(accesses_) / static_cast<double>(nanoseconds_));
    findings.put("events_per_second", 1e9 * static_cast<double>(events_) / static_cast<double>(nanoseconds_));
    findings.put("simulated_cpus", static_cast<double>(simulated_));
    return findings;
  }

 private:
  void simulate() {
    constexpr std::uint64_t kRounds = 40;
    std::vector<unsigned> pus(simulated_);
    std::iota(pus.begin(), pus.end(), 0u);
    const std::vector<unsigned> groups(simulated_, 0);
    const auto load =
        workload::make_simulator_load({.scheme = scheme_, .model = &model_, .pus = pus},
                                      workload::find_pattern("idle")->build({.groups = groups}));
    const auto begin = std::chrono::steady_clock::now();
    load->run_all([&](unsigned cpu) {
      load->boot(cpu, cpu);
      load->run(cpu, kRounds);
      load->finish(cpu);
    });
    nanoseconds_ += static_cast<std::uint64_t>((std::chrono::steady_clock::now() - begin).count());
    accesses_ += load->statistics().accesses;
    events_ += load->statistics().events;
  }

  const std::string scheme_;
  const unsigned simulated_;
  const machine::simulator::Model model_;
  std::uint64_t accesses_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t nanoseconds_ = 0;
};

}  // namespace

std::vector<Case> simulator_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  for (const auto& placement : choice.placements)
    for (const std::string& scheme : choice.schemes)
      for (const unsigned simulated : kSimulated) {
        measure::Subject subject;
        subject.family = "simulator";
        subject.scheme = scheme;
        subject.placement = topology::to_string(placement);
        subject.pus = topology::place(layout, placement, 1);
        cases.push_back({fmt::format("simulator/{}/{}/{}/cpus:1", scheme, simulated, subject.placement),
                         subject, [simulated](const measure::Subject& s) {
                           return std::make_unique<SimulatorSpeed>(s.scheme, simulated);
                         }});
      }
  return cases;
}

Family simulator_family() {
  return {.name = "simulator",
          .what = "how fast the simulator is on one CPU of this host",
          .cases = simulator_cases,
          .place = 9};
}

}  // namespace mmscale::bench
