// SPDX-License-Identifier: MIT
#include "measure/validity.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "measure/statistics.h"

namespace mmscale::measure {
namespace {

constexpr double kNsPerMs = 1e6;
constexpr double kNsPerSecond = 1e9;

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

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(std::max<std::int64_t>(part, 0)) / static_cast<double>(whole) : 0;
}

// Threads that did not stay where they were put.
void judge_places(const WindowConditions& window, std::vector<std::string>& reasons) {
  Offenders moved;
  Offenders unbound;
  for (const CpuConditions& at : window.cpus) {
    const ThreadDisturbance& thread = at.thread;
    if (thread.migrated || thread.cpu_before != at.cpu || thread.cpu_after != at.cpu)
      moved.add(0, fmt::format("cpu {}: its thread began on cpu {} and ended on cpu {}", at.cpu,
                               thread.cpu_before, thread.cpu_after));
    else if (!thread.bound)
      unbound.add(0,
                  fmt::format("cpu {}: its thread was allowed elsewhere when the window had ended", at.cpu));
  }
  moved.report(reasons);
  unbound.report(reasons);
}

// That a thread's time can be accounted for at all.
void judge_accounts(const WindowConditions& window, std::vector<std::string>& reasons) {
  Offenders unknown;
  Offenders stepped;
  for (const CpuConditions& at : window.cpus) {
    if (!at.account) {
      if (!window.real_switches && !at.sleeps)
        unknown.add(0, fmt::format("cpu {}: how long its thread ran is not known", at.cpu));
      continue;
    }
    const CpuAccount& account = *at.account;
    if (!account.ran_ns) {
      unknown.add(0, fmt::format("cpu {}: this system does not say how long its thread ran", at.cpu));
      continue;
    }
    const double longer = share(*account.ran_ns - account.elapsed_ns, account.elapsed_ns);
    if (longer > kMaxError || account.elapsed_ns <= 0)
      stepped.add(longer,
                  fmt::format("cpu {}: ran for {:.3f} ms in a window of {:.3f} ms: the clock was set back",
                              at.cpu, static_cast<double>(*account.ran_ns) / kNsPerMs,
                              static_cast<double>(account.elapsed_ns) / kNsPerMs));
  }
  unknown.report(reasons);
  stepped.report(reasons);
}

void judge_clocks(const MachineDisturbance& machine, std::vector<std::string>& reasons) {
  if (machine.suspended_ns > kMaxSuspendedNs)
    reasons.push_back(fmt::format("the machine was asleep for {:.1f} ms",
                                  static_cast<double>(machine.suspended_ns) / kNsPerMs));
  // Without a raw clock there is nothing to compare with.
  if (machine.raw_elapsed_ns == 0) return;
  const std::int64_t apart = machine.elapsed_ns - machine.raw_elapsed_ns;
  if (share(std::abs(apart), std::abs(machine.raw_elapsed_ns)) <= kMaxClockError) return;
  reasons.push_back(fmt::format("CLOCK_MONOTONIC went {:.3f} ms {} than the hardware's {:.3f} ms",
                                static_cast<double>(std::abs(apart)) / kNsPerMs,
                                apart > 0 ? "further" : "less far",
                                static_cast<double>(machine.raw_elapsed_ns) / kNsPerMs));
}

// Where no time is to be had, one switch may have cost a whole slice.
void judge_preemption(const WindowConditions& window, std::vector<std::string>& reasons) {
  Offenders preempted;
  for (const CpuConditions& at : window.cpus) {
    if (at.thread.wait_ns || (at.account && at.account->ran_ns) || at.thread.involuntary == 0) continue;
    preempted.add(static_cast<double>(at.thread.involuntary),
                  fmt::format("cpu {}: suffered {}, and this kernel does not say for how long", at.cpu,
                              times(at.thread.involuntary, "involuntary switch", "es")));
  }
  preempted.report(reasons);
}

// What CPUs lost, once it is known that they lost too much: by cause, the worst CPU named.
void name_losses(const WindowConditions& window, std::vector<std::string>& reasons) {
  Offenders waited, stood, stalled, interrupted, stolen, away, drifted;
  for (std::size_t i = 0; i < window.cpus.size(); ++i) {
    const CpuConditions& at = window.cpus[i];
    const CpuLoss loss = loss_of(at, i, window);
    const auto add = [&](Offenders& offenders, double part, std::string_view text) {
      if (part > kWorthNaming) offenders.add(part, fmt::format("cpu {}: {}", at.cpu, text));
    };
    add(waited, loss.waited,
        fmt::format("waited {:.1f} % of the window behind other tasks ({})", loss.waited * kPercent,
                    times(at.thread.involuntary, "involuntary switch", "es")));
    add(stood, loss.stood,
        fmt::format("stood still for {:.1f} % of the window and not behind other tasks: stopped, frozen, "
                    "throttled or stolen",
                    loss.stood * kPercent));
    add(stalled, loss.stalled,
        fmt::format("did not come on for {:.1f} % of the window, up to {:.1f} ms at a time, though the "
                    "kernel says that it ran: interrupts, firmware or a hypervisor",
                    loss.stalled * kPercent,
                    at.account ? static_cast<double>(at.account->longest_gap_ns) / kNsPerMs : 0));
    add(interrupted, loss.interrupted,
        fmt::format("was interrupted for others' work (network, disks, timers, calls by other CPUs), for "
                    "some {:.1f} % "
                    "of the window",
                    loss.interrupted * kPercent));
    add(stolen, loss.stolen,
        fmt::format("lost {:.1f} % of the window to the hypervisor ({:g} ms, to within {:g} ms)",
                    loss.stolen * kPercent,
                    i < window.machine.steal.size()
                        ? static_cast<double>(window.machine.steal[i].stolen_ns.value_or(0)) / kNsPerMs
                        : 0,
                    static_cast<double>(window.machine.tick_ns) / kNsPerMs));
    add(away, loss.away, fmt::format("spent {:.1f} % of the window on another CPU", loss.away * kPercent));
    add(drifted, loss.drifted,
        fmt::format("computed {:.1f} % {} after the window than before", loss.drifted * kPercent,
                    at.alu_rate_after > at.alu_rate_before ? "faster" : "slower"));
  }
  for (const Offenders* offenders : {&waited, &stood, &stalled, &interrupted, &stolen, &away, &drifted})
    offenders->report(reasons);
}

void judge_losses(const WindowConditions& window, const ErrorBounds& bounds,
                  std::vector<std::string>& reasons) {
  if (bounds.rate <= kMaxError) return;
  const std::size_t before = reasons.size();
  name_losses(window, reasons);
  if (reasons.size() == before)
    reasons.push_back(fmt::format("many CPUs lost a little each: its rates may be off by {:.1f} %",
                                  bounds.rate * kPercent));
}

void judge_others(const WindowConditions& window, std::vector<std::string>& reasons) {
  if (const auto ended = window.others_ended.value_or(0); ended > 0)
    reasons.push_back(fmt::format("{} ended while it ran, after running nobody knows how long",
                                  times(ended, "other task", "s")));
  if (!window.others_missing.empty())
    reasons.push_back(
        fmt::format("what other tasks ran is not known ({}): it may be load", window.others_missing));
  Offenders offenders;
  for (const auto& [cpu, run_ns] : window.others) {
    const double share = static_cast<double>(run_ns) / static_cast<double>(window.machine.elapsed_ns);
    if (window.machine.elapsed_ns <= 0 || share <= kMaxOthersShare) continue;
    offenders.add(
        share, fmt::format("cpu {}: other tasks ran there for {:.1f} % of the time", cpu, share * kPercent));
  }
  offenders.report(reasons);
}

void judge_quota(const WindowConditions& window, std::vector<std::string>& reasons) {
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

double CpuLoss::all() const {
  return std::max(waited + stood + std::max(stalled, interrupted), stolen) + away + drifted;
}

CpuLoss loss_of(const CpuConditions& at, std::size_t index, const WindowConditions& window) {
  CpuLoss loss;
  std::int64_t off = 0;
  std::int64_t length = window.window_ns;
  if (at.account) {
    if (at.account->elapsed_ns > 0) length = at.account->elapsed_ns;
    if (at.account->ran_ns) off = std::max<std::int64_t>(at.account->elapsed_ns - *at.account->ran_ns, 0);
    // Threads that wait for each other are off their CPUs because that is what is measured.
    if (window.real_switches) off = 0;
    loss.stalled = share(at.account->stalled_ns - off, length);
    loss.away = share(at.account->away_ns, length);
  }
  if (!window.real_switches) {
    const std::int64_t waited = at.thread.wait_ns.value_or(0);
    // The wait was read a little before and after the stamps.
    const bool timed = at.account && at.account->ran_ns;
    loss.waited = share(timed ? std::min(waited, off) : waited, length);
    loss.stood = share(off - waited, length);
  }
  // Counted from before the window to behind it: at the same pace, as far as is known.
  if (index < window.machine.steal.size() && window.machine.elapsed_ns > 0) {
    const CpuSteal& taken = window.machine.steal[index];
    const auto elapsed = static_cast<double>(window.machine.elapsed_ns);
    const auto count = [](std::optional<std::int64_t> n) { return static_cast<double>(n.value_or(0)); };
    const double ticks = static_cast<double>(window.machine.ticks_per_second) * elapsed / kNsPerSecond;
    const double sent = at.own_ipis ? count(taken.ipis) - count(at.own_ipis) : 0;
    const double interrupts =
        std::max(count(taken.interrupts) - ticks, 0.0) + std::max(sent, 0.0) - kInterruptsOfWindow;
    loss.interrupted = std::max({count(taken.softirqs), interrupts, 0.0}) * kInterruptNs / elapsed;
  }
  if (index < window.machine.steal.size() && !window.cpu_time_excludes_steal)
    loss.stolen = share(window.machine.steal[index].stolen_ns.value_or(0), length);
  if (const auto drift = alu_drift(at.alu_rate_before, at.alu_rate_after); drift && *drift > kMaxAluDrift)
    loss.drifted = *drift;
  return loss;
}

ErrorBounds error_bounds(const WindowConditions& window) {
  // Rounds per ns of all: in the mean, and where each was fastest.
  double all = 0;
  double all_fastest = 0;
  const auto rate = [](const CpuConditions& cpu) {
    const bool known = cpu.account && cpu.account->elapsed_ns > 0;
    return known ? share(static_cast<std::int64_t>(cpu.account->rounds), cpu.account->elapsed_ns) : 0;
  };
  const auto fastest = [](const CpuConditions& cpu) {
    return cpu.account && cpu.account->fastest_round_ns > 0 ? 1 / cpu.account->fastest_round_ns : 0;
  };
  for (const CpuConditions& cpu : window.cpus) {
    all += rate(cpu);
    all_fastest += fastest(cpu);
  }
  const auto n = static_cast<double>(window.cpus.size());
  double sum = 0;
  double off = 0;
  double unfair = 0;
  double most = 2;
  for (std::size_t i = 0; i < window.cpus.size(); ++i) {
    const CpuConditions& cpu = window.cpus[i];
    const double lost = loss_of(cpu, i, window).all();
    if (lost <= 0) continue;
    // How many times as fast the others may have been meanwhile, and how much that can add to all.
    const double others = all - rate(cpu);
    double faster = n > 2 ? n / (n - 2) : 1;
    if (others > 0) {
      const double seen = std::max(1.0, (all_fastest - fastest(cpu)) / others);
      faster = n > 2 && !cpu.alone ? std::min(faster, seen) : seen;
    }
    const double own = all > 0 ? rate(cpu) / all : 1 / n;
    const double added = faster * (1 - own) - 1;
    sum += lost;
    off += lost * std::max(window.coupled ? 1 : std::max(own, 1 / n), added);
    unfair = std::max(unfair, lost * faster);
    most = std::max(most, faster);
  }
  constexpr double kUnbounded = std::numeric_limits<double>::infinity();
  const auto error = [](double lost) { return lost < 1 ? lost / (1 - lost) : kUnbounded; };
  return {.rate = error(off),
          .fairness = error(unfair),
          .time = sum < 1 ? most * sum / (1 + (most - 1) * sum) : 1};
}

Verdict judge(const WindowConditions& window) {
  Verdict verdict;
  auto& reasons = verdict.reasons;
  judge_build(window.build, reasons);
  if (!window.topology_is_this_system) reasons.emplace_back("the topology is not that of this system");
  if (!window.emulator.empty())
    reasons.push_back(
        fmt::format("the CPUs are emulated ({}): their times are not measurements", window.emulator));
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
  judge_clocks(window.machine, reasons);
  verdict.bounds = error_bounds(window);
  if (window.window_ns > 0) {
    judge_accounts(window, reasons);
    if (window.real_switches)
      judge_others(window, reasons);
    else
      judge_preemption(window, reasons);
    judge_losses(window, verdict.bounds, reasons);
  } else {
    reasons.emplace_back("the window has no length");
  }
  verdict.valid = reasons.empty();
  return verdict;
}

}  // namespace mmscale::measure
