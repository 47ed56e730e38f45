// SPDX-License-Identifier: MIT
//
// Family `ipi`: what interrupting 1, 2, ... other CPUs costs, by each transport that works here.
#include "workload/ipi_load.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "bench/families.h"
#include "campaign/cpu_counts.h"
#include "machine/silicon/transport.h"
#include "measure/clock_cost.h"
#include "measure/findings.h"
#include "measure/histogram.h"
#include "measure/tick_rate.h"
#include "workload/wrapped_load.h"

namespace mmscale::bench {
namespace {

// Keeps what the observer must outlive: made before the load, destroyed after it.
class Calls : public workload::IpiObserver {
 public:
  void called(std::uint64_t ticks, const machine::IpiTally& tally) override {
    round_trips.record(ticks);
    last = tally;
  }
  void open() {
    round_trips.clear();
    first = last;
    rate.begin();
    clock = measure::clock_cost();
  }
  void close() {
    rate.end();
    at_close = last;
    closed = round_trips;
  }

  measure::Histogram round_trips;
  measure::Histogram closed;
  machine::IpiTally first;
  machine::IpiTally last;
  machine::IpiTally at_close;
  measure::TickRate rate;
  measure::ClockCost clock;
};

class IpiTrial final : private Calls, public workload::WrappedLoad, public measure::SelfMeasuring {
 public:
  explicit IpiTrial(const workload::IpiSpec& spec)
      : WrappedLoad(workload::make_ipi_load(spec, this)),
        targets_(spec.targets),
        does_(workload::target_does(spec.transport)) {}

  void open_window(unsigned cpu) override {
    if (cpu == 0) open();
  }
  void close_window(unsigned cpu) override {
    if (cpu == 0) close();
  }

  measure::Findings findings(const measure::Window&) const override {
    measure::Findings findings;
    const double ns_per_tick = rate.ns_per_tick();
    findings.operation = "call";
    findings.distribution = "round_trip_ns";
    findings.operation_ns = closed.quantile(0.5).value_or(0) * ns_per_tick;
    findings.put("targets", targets_);
    findings.put("calls", static_cast<double>(closed.count()));
    findings.put("round_trip_ns", closed, ns_per_tick);
    if (closed.count() > 0) {
      const auto calls = static_cast<double>(closed.count());
      findings.put("queued_per_call", static_cast<double>(at_close.queued - first.queued) / calls);
      findings.put("raised_per_call", static_cast<double>(at_close.raised - first.raised) / calls);
    }
    findings.put("clock_ns_p50", clock.ticks * ns_per_tick);
    findings.put("clock_step_ns", clock.step_ticks * ns_per_tick);
    findings.details = std::make_shared<nlohmann::ordered_json>(
        nlohmann::ordered_json{{"targets", targets_}, {"target_does", workload::to_string(does_)}});
    return findings;
  }

 private:
  const unsigned targets_;
  const workload::TargetDoes does_;
};

Case make_case(const topology::Layout& layout, const Choice& choice, const std::string& transport,
               const topology::Placement& placement, unsigned cpus, unsigned targets) {
  measure::Subject subject;
  subject.family = "ipi";
  subject.placement = topology::to_string(placement);
  subject.pus = topology::place(layout, placement, cpus);
  subject.home_node = home_of(layout, choice, subject.pus);
  subject.transport = transport;
  subject.transport_reason = "compared";
  subject.transport_caveat = machine::silicon::make_transport(transport, cpus)->caveat();
  std::string name = fmt::format("ipi/{}/{}/cpus:{}/targets:{}", transport, subject.placement, cpus, targets);
  return {std::move(name), std::move(subject),
          [transport, cpus, targets]() -> std::unique_ptr<workload::Load> {
            return std::make_unique<IpiTrial>(
                workload::IpiSpec{.transport = transport, .cpus = cpus, .targets = targets});
          }};
}

}  // namespace

std::vector<Case> ipi_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  for (const auto& placement : choice.placements)
    for (const unsigned cpus : choice.cpu_counts) {
      if (cpus < 2) continue;
      for (const unsigned targets : campaign::octave_counts(cpus - 1, 1))
        for (const auto& transport : choice.transports)
          cases.push_back(make_case(layout, choice, transport, placement, cpus, targets));
    }
  return cases;
}

Family ipi_family() {
  return {.name = "ipi",
          .what = "interrupting 1, 2, ... other CPUs by each transport",
          .cases = ipi_cases,
          .least_cpus = 2,
          .place = 4};
}

}  // namespace mmscale::bench
