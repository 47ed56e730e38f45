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

class IpiTrial final : public workload::WrappedLoad, public measure::SelfMeasuring {
 public:
  explicit IpiTrial(const workload::IpiSpec& spec)
      : WrappedLoad(workload::make_ipi_load(spec,
                                            [this](std::uint64_t ticks, const machine::IpiTally& tally) {
                                              round_trips_.now.record(ticks);
                                              last_ = tally;
                                            })),
        targets_(spec.targets),
        does_(workload::target_does(spec.transport)) {}

  void open_window(unsigned cpu) override {
    if (cpu != 0) return;
    first_ = last_;
    round_trips_.open();
  }
  void close_window(unsigned cpu) override {
    if (cpu != 0) return;
    round_trips_.close();
    at_close_ = last_;
  }

  measure::Findings findings(const measure::Window&) const override {
    measure::Findings findings;
    round_trips_.put("call", "round_trip_ns", findings);
    findings.put("targets", targets_);
    const auto calls = static_cast<double>(round_trips_.closed.count());
    findings.put("calls", calls);
    if (calls > 0) {
      findings.put("queued_per_call", static_cast<double>(at_close_.queued - first_.queued) / calls);
      findings.put("raised_per_call", static_cast<double>(at_close_.raised - first_.raised) / calls);
    }
    findings.add_details({{"targets", targets_}, {"target_does", workload::to_string(does_)}});
    return findings;
  }

 private:
  const unsigned targets_;
  const workload::TargetDoes does_;
  host::Timed round_trips_;
  machine::IpiTally first_;
  machine::IpiTally last_;
  machine::IpiTally at_close_;
};

Case make_case(const topology::Layout& layout, const Choice& choice, const std::string& transport,
               const topology::Placement& placement, unsigned cpus, unsigned targets) {
  measure::Subject subject = subject_on(layout, choice, "ipi", placement, cpus);
  subject.transport = transport;
  subject.transport_reason = "compared";
  subject.transport_caveat = machine::silicon::make_transport(transport, cpus)->caveat();
  std::string name = fmt::format("ipi/{}/{}/cpus:{}/targets:{}", transport, subject.placement, cpus, targets);
  return {std::move(name), std::move(subject), [cpus, targets](const measure::Subject& s) {
            return std::make_unique<IpiTrial>(
                workload::IpiSpec{.transport = s.transport, .cpus = cpus, .targets = targets});
          }};
}

}  // namespace

std::vector<Case> ipi_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  for_each_place(choice, 2, [&](const auto& placement, unsigned cpus) {
    for (const unsigned targets : campaign::octave_counts(cpus - 1, 1))
      for (const auto& transport : choice.transports)
        cases.push_back(make_case(layout, choice, transport, placement, cpus, targets));
  });
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
