// SPDX-License-Identifier: MIT
//
// Family `ipi`: what interrupting 1, 2, ... other CPUs costs, by each transport that works here.
#include "workload/ipi_load.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "bench/families.h"
#include "campaign/cpu_counts.h"
#include "host/timed.h"
#include "machine/silicon/transport.h"
#include "measure/findings.h"
#include "workload/wrapped_load.h"

namespace mmscale::bench {
namespace {

// Keeps what the observer must outlive: made before the load, destroyed after it.
class Calls : public workload::IpiObserver {
 public:
  void called(std::uint64_t ticks, const machine::IpiTally& tally) override {
    round_trips.now.record(ticks);
    last = tally;
  }
  void open() {
    first = last;
    round_trips.open();
  }
  void close() {
    round_trips.close();
    at_close = last;
  }

  host::Timed round_trips;
  machine::IpiTally first;
  machine::IpiTally last;
  machine::IpiTally at_close;
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
    round_trips.put("call", "round_trip_ns", findings);
    findings.put("targets", targets_);
    const auto calls = static_cast<double>(round_trips.closed.count());
    findings.put("calls", calls);
    if (calls > 0) {
      findings.put("queued_per_call", static_cast<double>(at_close.queued - first.queued) / calls);
      findings.put("raised_per_call", static_cast<double>(at_close.raised - first.raised) / calls);
    }
    findings.add_details({{"targets", targets_}, {"target_does", workload::to_string(does_)}});
    return findings;
  }

 private:
  const unsigned targets_;
  const workload::TargetDoes does_;
};

Case make_case(const topology::Layout& layout, const Choice& choice, const std::string& transport,
               const topology::Placement& placement, unsigned cpus, unsigned targets) {
  measure::Subject subject = subject_on(layout, choice, "ipi", placement, cpus);
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
