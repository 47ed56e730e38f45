// SPDX-License-Identifier: MIT
//
// Family `teardown`: how long the last drop of an mm takes, by how many CPUs borrow it, and what it does
// to them.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "bench/families.h"
#include "campaign/cpu_counts.h"
#include "host/timed.h"
#include "machine/machine.h"
#include "measure/findings.h"
#include "measure/histogram.h"
#include "workload/teardown_load.h"
#include "workload/wrapped_load.h"

namespace mmscale::bench {
namespace {

// Keeps what the load tells, per CPU.
class TeardownTrial final : private workload::TeardownObserver,
                            public workload::WrappedLoad,
                            public measure::SelfMeasuring {
 public:
  TeardownTrial(const workload::SiliconSpec& silicon, const workload::TeardownSpec& spec)
      : WrappedLoad(workload::make_teardown_load(silicon, spec, this)),
        spec_(spec),
        slot_bytes_(workload::mm_slot_bytes(silicon, spec.cpus)),
        of_cpu_(spec.cpus) {}

  // On the CPU's own thread.
  void boot(unsigned cpu, unsigned os_cpu) override {
    of_cpu_[cpu] = std::make_unique<OfCpu>();
    inner().boot(cpu, os_cpu);
  }
  void open_window(unsigned cpu) override {
    if (cpu == 0) dropped_.open();
    of_cpu_[cpu]->open = true;
  }
  void close_window(unsigned cpu) override {
    of_cpu_[cpu]->open = false;
    if (cpu == 0) dropped_.close();
  }

  measure::Findings findings(const measure::Window& window) const override {
    measure::Findings findings;
    dropped_.put("drop", "drop_ns", findings);
    const double ns_per_tick = dropped_.rate.ns_per_tick();
    const auto teardowns = static_cast<double>(dropped_.closed.count());
    findings.put("teardowns", teardowns);
    findings.put("borrowers", spec_.borrowers);
    findings.put("mask_only", spec_.mask_only);
    const auto per_teardown = [&](std::string_view name, double sum) {
      if (teardowns > 0) findings.put(name, sum / teardowns);
    };
    per_teardown("ipis_useful_per_teardown", static_cast<double>(window.tally.ipis_useful));
    per_teardown("ipis_useless_per_teardown", static_cast<double>(window.tally.ipis_useless));

    measure::Histogram interrupted;
    measure::Histogram freed;
    double drained_ticks = 0;
    for (const auto& cpu : of_cpu_) {
      interrupted.merge(cpu->interrupted);
      freed.merge(cpu->freed);
      drained_ticks += static_cast<double>(cpu->drained_ticks);
    }
    findings.put("interrupted_ns", interrupted, ns_per_tick);
    per_teardown("interrupted_ns_per_teardown", static_cast<double>(interrupted.sum()) * ns_per_tick);
    findings.put("free_ns", freed);
    per_teardown("drain_ns_per_teardown", drained_ticks * ns_per_tick);

    // Little's law: how many there are is how often they come times how long they stay.
    const double window_ns = window.cpus[0].seconds() * 1e9;
    const double mean_held = window_ns > 0 ? static_cast<double>(freed.sum()) / window_ns : 0;
    const auto slot = static_cast<double>(slot_bytes_);
    findings.put("held_mms_mean", mean_held);
    findings.put("held_mms_max", static_cast<double>(most_held_));
    findings.put("mm_slot_bytes", slot);
    findings.put("held_bytes_mean", mean_held * slot);
    findings.put("held_bytes_max", static_cast<double>(most_held_) * slot);
    findings.put("linger_ns", static_cast<double>(spec_.linger.count()));
    findings.add_details({{"borrowers", spec_.borrowers},
                          {"mask_only", spec_.mask_only},
                          {"linger_ns", spec_.linger.count()}});
    return findings;
  }

 private:
  void dropped(std::uint64_t ticks) override {
    if (of_cpu_[0]->open) dropped_.now.record(ticks);
  }
  void interrupted(unsigned cpu, std::uint64_t ticks) override {
    if (of_cpu_[cpu]->open) of_cpu_[cpu]->interrupted.record(ticks);
  }
  void freed(unsigned cpu, std::uint64_t ns) override {
    if (of_cpu_[cpu]->open) of_cpu_[cpu]->freed.record(ns);
  }
  void held(std::int64_t mms) override {
    if (of_cpu_[0]->open) most_held_ = std::max(most_held_, mms);
  }
  void drained(unsigned cpu, std::uint64_t ticks) override {
    if (of_cpu_[cpu]->open) of_cpu_[cpu]->drained_ticks += ticks;
  }

  struct alignas(machine::kApart) OfCpu {
    bool open = false;
    measure::Histogram interrupted;
    measure::Histogram freed;
    std::uint64_t drained_ticks = 0;
  };

  const workload::TeardownSpec spec_;
  const std::size_t slot_bytes_;
  std::vector<std::unique_ptr<OfCpu>> of_cpu_;
  // CPU 0's.
  host::Timed dropped_;
  std::int64_t most_held_ = 0;
};

Case make_case(const topology::Layout& layout, const Choice& choice, const std::string& scheme,
               const topology::Placement& placement, unsigned cpus, unsigned borrowers, unsigned mask_only) {
  measure::Subject subject = kernel_subject(layout, choice, "teardown", scheme, placement, cpus);
  std::string name =
      fmt::format("teardown/{}/{}/cpus:{}/borrowers:{}", scheme, subject.placement, cpus, borrowers);
  if (mask_only != 0) name += fmt::format("/mask_only:{}", mask_only);
  const workload::TeardownSpec spec{
      .cpus = cpus,
      .borrowers = borrowers,
      .mask_only = mask_only,
      .linger = choice.settings.linger,
      .idle_exit = choice.settings.processes.idle_exit.value_or(std::chrono::nanoseconds(0))};
  return {std::move(name), std::move(subject), [spec](const measure::Subject& s) {
            return std::make_unique<TeardownTrial>(silicon_spec(s), spec);
          }};
}

}  // namespace

std::vector<Case> teardown_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  for_each_place(choice, 2, [&](const auto& placement, unsigned cpus) {
    const auto add = [&](unsigned borrowers, unsigned mask_only) {
      for (const auto& scheme : choice.schemes)
        cases.push_back(make_case(layout, choice, scheme, placement, cpus, borrowers, mask_only));
    };
    add(0, 0);
    for (const unsigned borrowers : campaign::octave_counts(cpus - 1, 1)) add(borrowers, 0);
    // What a mask that is wider than the borrowers costs.
    add(0, cpus - 1);
  });
  return cases;
}

Family teardown_family() {
  return {.name = "teardown",
          .what = "the last drop of an mm, and what it does to CPUs that borrow it",
          .cases = teardown_cases,
          .least_cpus = 2,
          .place = 2};
}

}  // namespace mmscale::bench
