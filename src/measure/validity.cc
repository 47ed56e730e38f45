// SPDX-License-Identifier: MIT
#include "measure/validity.h"

#include <fmt/format.h>

#include <utility>

namespace mmscale::measure {
namespace {

constexpr double kPercent = 100.0;

std::string times(std::int64_t count, std::string_view noun, std::string_view plural_ending) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : plural_ending);
}

// The CPUs that break one rule: keeps the worst for the reason and counts the others.
class Offenders {
 public:
  void add(double severity, std::string text) {
    if (count_ == 0 || severity > worst_) {
      worst_ = severity;
      text_ = std::move(text);
    }
    ++count_;
  }

  void report(std::vector<std::string>& reasons) const {
    if (count_ == 0) return;
    reasons.push_back(count_ == 1 ? text_
                                  : fmt::format("{}; so did {}", text_, times(count_ - 1, "other CPU", "s")));
  }

 private:
  std::int64_t count_ = 0;
  double worst_ = 0;
  std::string text_;
};

// Threads that did not stay where they were put.
void judge_places(const WindowConditions& window, std::vector<std::string>& reasons) {
  Offenders offenders;
  for (const auto& [cpu, thread, before, after] : window.cpus) {
    if (!thread.migrated && thread.cpu_before == cpu && thread.cpu_after == cpu) continue;
    offenders.add(0, fmt::format("cpu {}: its thread began on cpu {} and ended on cpu {}", cpu,
                                 thread.cpu_before, thread.cpu_after));
  }
  offenders.report(reasons);
}

void judge_waiting(const WindowConditions& window, std::vector<std::string>& reasons) {
  Offenders waited;
  Offenders preempted;
  for (const auto& [cpu, thread, before, after] : window.cpus) {
    const auto switches = times(thread.involuntary, "involuntary switch", "es");
    if (thread.wait_ns) {
      const double share = static_cast<double>(*thread.wait_ns) / static_cast<double>(window.window_ns);
      if (share <= kMaxWaitShare) continue;
      waited.add(share, fmt::format("cpu {}: waited {:.1f} % of the window behind other tasks ({})", cpu,
                                    share * kPercent, switches));
    } else if (thread.involuntary > 0) {
      preempted.add(
          static_cast<double>(thread.involuntary),
          fmt::format("cpu {}: suffered {}, and this kernel does not say for how long", cpu, switches));
    }
  }
  waited.report(reasons);
  preempted.report(reasons);
}

void judge_others(const WindowConditions& window, std::vector<std::string>& reasons) {
  if (const auto ended = window.others_ended.value_or(0); ended > 0)
    reasons.push_back(fmt::format("{} ended while it ran, after running nobody knows how long",
                                  times(ended, "other task", "s")));
  Offenders offenders;
  for (const auto& [cpu, run_ns] : window.others) {
    const double share = static_cast<double>(run_ns) / static_cast<double>(window.machine.elapsed_ns);
    if (window.machine.elapsed_ns <= 0 || share <= kMaxOthersShare) continue;
    offenders.add(
        share, fmt::format("cpu {}: other tasks ran there for {:.1f} % of the time", cpu, share * kPercent));
  }
  offenders.report(reasons);
}

void judge_steal(const WindowConditions& window, std::vector<std::string>& reasons) {
  constexpr double kNsPerMs = 1e6;
  Offenders offenders;
  for (const auto& [cpu, stolen_ns] : window.machine.steal) {
    if (!stolen_ns) continue;
    const double share = static_cast<double>(*stolen_ns) / static_cast<double>(window.window_ns);
    if (share <= kMaxStealShare) continue;
    offenders.add(
        share,
        fmt::format("cpu {}: lost {:.1f} % of the window to the hypervisor ({:g} ms, to within {:g} ms)", cpu,
                    share * kPercent, static_cast<double>(*stolen_ns) / kNsPerMs,
                    static_cast<double>(window.machine.tick_ns) / kNsPerMs));
  }
  offenders.report(reasons);
}

void judge_drift(const WindowConditions& window, std::vector<std::string>& reasons) {
  Offenders offenders;
  for (const auto& [cpu, thread, before, after] : window.cpus) {
    const auto drift = alu_drift(before, after);
    if (!drift || *drift <= kMaxAluDrift) continue;
    offenders.add(*drift, fmt::format("cpu {}: computed {:.1f} % {} after the window than before", cpu,
                                      *drift * kPercent, after > before ? "faster" : "slower"));
  }
  offenders.report(reasons);
}

void judge_quota(const WindowConditions& window, std::vector<std::string>& reasons) {
  constexpr double kNsPerMs = 1e6;
  if (const auto& quota = window.quota; quota.cpus && *quota.cpus < static_cast<double>(window.cpus.size())) {
    reasons.push_back(fmt::format("the CPU quota of {:.2f} CPUs ({}) is below the {} in use", *quota.cpus,
                                  quota.source,
                                  times(static_cast<std::int64_t>(window.cpus.size()), "CPU", "s")));
  }
  const auto periods = window.machine.throttled_periods.value_or(0);
  const auto stopped_ns = window.machine.throttled_ns.value_or(0);
  if (periods > 0 || stopped_ns > 0) {
    reasons.push_back(fmt::format("throttled by the CPU quota in {}, {:.1f} ms in all",
                                  times(periods, "period", "s"), static_cast<double>(stopped_ns) / kNsPerMs));
  }
}

void judge_build(const BuildInfo& build, std::vector<std::string>& reasons) {
  if (!build.sanitizer.empty()) {
    reasons.push_back(
        fmt::format("built with the {} sanitizer: its times are not measurements", build.sanitizer));
  }
  if (!build.optimised) reasons.emplace_back("built without optimisation: its times are not measurements");
}

}  // namespace

Verdict judge(const WindowConditions& window) {
  Verdict verdict;
  auto& reasons = verdict.reasons;
  judge_build(window.build, reasons);
  if (!window.topology_is_this_system) reasons.emplace_back("the topology is not that of this system");
  if (!window.pinned) reasons.emplace_back("not every thread was pinned to its CPU");
  if (window.cpus.empty()) reasons.emplace_back("no CPU was measured");
  judge_places(window, reasons);
  if (!window.overlap) {
    reasons.emplace_back("whether the CPUs ran together is not known");
  } else if (!(*window.overlap >= kMinOverlap)) {
    reasons.push_back(
        fmt::format("the CPUs ran together for only {:.1f} % of the time", *window.overlap * kPercent));
  }
  judge_quota(window, reasons);
  if (window.window_ns > 0) {
    if (window.real_switches)
      judge_others(window, reasons);
    else
      judge_waiting(window, reasons);
    judge_steal(window, reasons);
  } else {
    reasons.emplace_back("the window has no length");
  }
  judge_drift(window, reasons);
  verdict.valid = reasons.empty();
  return verdict;
}

}  // namespace mmscale::measure
