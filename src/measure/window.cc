// SPDX-License-Identifier: MIT
#include "measure/window.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "measure/build_info.h"
#include "measure/disturbance.h"
#include "measure/hypervisor.h"
#include "measure/leader.h"
#include "measure/statistics.h"

namespace mmscale::measure {
namespace {

// A load as one CPU plays it.
class Runner {
 public:
  Runner(workload::Load& load, unsigned cpu) : load_(load), cpu_(cpu) {}

  bool play(std::uint64_t rounds) { return load_.run(cpu_, rounds); }
  void open() {
    tally_ = load_.tally(cpu_);
    load_.open_window(cpu_);
  }
  void close() {
    load_.close_window(cpu_);
    tally_ = load_.tally(cpu_).since(tally_);
  }
  // Until then the load stays up.
  void stop() { load_.stop(cpu_); }

  // Of the window.
  const kernel::Tally& tally() const { return tally_; }

 private:
  workload::Load& load_;
  const unsigned cpu_;
  kernel::Tally tally_;
};

// Whether a CPU that stands still can keep others from coming on: not where all only switch and think, since then
// they share nothing but what they contend for.
bool can_hold_up_others(const workload::Load& load) {
  using workload::Op;
  if (load.cpus() == 1 || load.contends_only()) return false;
  for (unsigned cpu = 0; cpu < load.cpus(); ++cpu) {
    const auto steps = load.steps(cpu);
    const bool alone = std::all_of(steps.begin(), steps.end(), [](const workload::Step& step) {
      return step.op == Op::switch_to || step.op == Op::idle || step.op == Op::think ||
             step.op == Op::serve || step.op == Op::served || step.op == Op::deep_idle;
    });
    if (steps.empty() || !alone) return true;
  }
  return false;
}

// Which of these PUs is not in the core, cache or package that all others are in.
std::optional<std::size_t> the_only_one_elsewhere(const topology::Layout& layout,
                                                  const std::vector<unsigned>& pus,
                                                  unsigned topology::Pu::*group) {
  std::map<unsigned, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < pus.size(); ++i)
    if (const topology::Pu* pu = topology::find(layout, pus[i])) groups[pu->*group].push_back(i);
  if (groups.size() != 2) return std::nullopt;
  for (const auto& [number, members] : groups)
    if (members.size() == 1) return members.front();
  return std::nullopt;
}

std::vector<double> rates(const std::vector<CpuWindow>& cpus) {
  std::vector<double> rates;
  for (const CpuWindow& cpu : cpus)
    rates.push_back(cpu.seconds() > 0 ? static_cast<double>(cpu.rounds) / cpu.seconds() : 0);
  return rates;
}

std::uint64_t sum_of(const std::vector<CpuWindow>& cpus, std::uint64_t CpuWindow::*count) {
  std::uint64_t sum = 0;
  for (const CpuWindow& cpu : cpus) sum += cpu.*count;
  return sum;
}

// Rate of all CPUs together; and CPU time per event.
double per_second(const std::vector<CpuWindow>& cpus, std::uint64_t CpuWindow::*count) {
  double sum = 0;
  for (const CpuWindow& cpu : cpus)
    if (cpu.seconds() > 0) sum += static_cast<double>(cpu.*count) / cpu.seconds();
  return sum;
}

std::optional<double> ns_per(const std::vector<CpuWindow>& cpus, std::uint64_t CpuWindow::*count) {
  double ns = 0;
  for (const CpuWindow& cpu : cpus) ns += static_cast<double>(cpu.end_ns - cpu.start_ns);
  const std::uint64_t events = sum_of(cpus, count);
  return events == 0 ? std::nullopt : std::optional(ns / static_cast<double>(events));
}

}  // namespace

std::uint64_t Window::switches() const { return sum_of(cpus, &CpuWindow::switches); }
std::uint64_t Window::rounds() const { return sum_of(cpus, &CpuWindow::rounds); }

double Window::switches_per_second() const { return per_second(cpus, &CpuWindow::switches); }
double Window::rounds_per_second() const { return per_second(cpus, &CpuWindow::rounds); }
std::optional<double> Window::ns_per_switch() const { return ns_per(cpus, &CpuWindow::switches); }
std::optional<double> Window::ns_per_round() const { return ns_per(cpus, &CpuWindow::rounds); }
std::optional<double> Window::jain() const { return jain_index(rates(cpus)); }
std::optional<double> Window::max_min_ratio() const { return measure::max_min_ratio(rates(cpus)); }

std::optional<std::uint64_t> Window::pmu_count(std::size_t event) const {
  std::uint64_t sum = 0;
  for (const CpuWindow& cpu : cpus) {
    if (!cpu.pmu[event]) return std::nullopt;
    sum += *cpu.pmu[event];
  }
  return sum;
}

double Window::share_of_package(unsigned package) const {
  const double all = static_cast<double>(rounds());
  double of_package = 0;
  for (const CpuWindow& cpu : cpus)
    if (cpu.package == package) of_package += static_cast<double>(cpu.rounds);
  return all > 0 ? of_package / all : 0;
}

Window empty_window(const topology::Layout& layout, std::span<const unsigned> pus) {
  Window window;
  for (const unsigned os_index : pus) {
    window.cpus.emplace_back().pu = os_index;
    if (const topology::Pu* pu = topology::find(layout, os_index)) window.cpus.back().package = pu->package;
  }
  return window;
}

Window empty_window(const Bench& bench, std::span<const unsigned> pus) {
  Window window = empty_window(bench.topology.layout(), pus);
  window.pmu = this_pmu().summary();
  for (const PmuEvent& event : this_pmu().events) window.pmu_events.push_back(event.name);
  return window;
}

void sum_up(Window& window, std::vector<std::string> audit) {
  std::vector<MeasuredSpan> spans;
  for (const CpuWindow& cpu : window.cpus) {
    window.tally += cpu.tally;
    if (cpu.end_ns > cpu.start_ns) spans.push_back({cpu.start_ns, cpu.end_ns});
  }
  window.overlap = overlap_fraction(spans);
  std::ranges::move(audit, std::back_inserter(window.audit));
}

void judge(const Bench& bench, const WindowTimes& times, Window& window) {
  WindowConditions& conditions = window.conditions;
  conditions.window_ns = times.measure.count();
  conditions.overlap = window.overlap;
  conditions.pinned = true;  // else there is no window
  conditions.topology_is_this_system = bench.topology.is_this_system();
  conditions.quota = bench.quota;
  conditions.build = this_build();
  conditions.emulator = emulator();
  conditions.cpu_time_excludes_steal = cpu_time_excludes_steal();
  window.verdict = judge(conditions);
  if (window.audit.empty()) return;
  window.verdict.valid = false;
  window.verdict.reasons.push_back("conservation: " + window.audit.front());
}

Window run_window(Bench& bench, workload::Load& load, const std::vector<unsigned>& pus,
                  const WindowTimes& times) {
  // The counters are probed here and not by a thread whose window is about to open.
  Window window = empty_window(bench, pus);
  window.conditions.cpus.resize(pus.size());
  // The machine is looked at well before and after: reading /proc/stat takes time on big machines.
  const MachineProbe probe(pus, bench.quota.stat_path);
  const MachineSnapshot before = probe.snapshot();
  Phases phases;
  bench.pool.run(
      pus,
      [&](unsigned cpu) {
        // Results are written once, at the end: no line of theirs is shared while the clock runs.
        Side side;
        Runner runner(load, cpu);
        load.boot(cpu, pus[cpu]);
        Leader(runner, phases, load.cpus(), times, pus[cpu], side).run();
        CpuWindow& result = window.cpus[cpu];
        result.start_ns = side.start_ns;
        result.end_ns = side.end_ns;
        result.rounds = side.rounds;
        result.switches = side.rounds * load.switches_per_round(cpu);
        result.tally = runner.tally();
        result.pmu = side.pmu;
        window.conditions.cpus[cpu] = side.conditions(pus[cpu]);
        load.finish(cpu);
      },
      bench.patience_with(times));
  window.conditions.machine = probe.between(before, probe.snapshot());

  sum_up(window, load.audit());
  WindowConditions& conditions = window.conditions;
  for (const auto group : {&topology::Pu::core, &topology::Pu::llc, &topology::Pu::package})
    if (const auto one = the_only_one_elsewhere(bench.topology.layout(), pus, group))
      conditions.cpus[*one].alone = true;
  conditions.coupled = can_hold_up_others(load);
  // Steps count what they send; who only contends sends nothing.
  for (unsigned i = 0; i < load.cpus(); ++i)
    if (!conditions.coupled || !load.steps(i).empty())
      conditions.cpus[i].own_ipis = static_cast<std::int64_t>(load.tally(i).ipis_handled());
  judge(bench, times, window);
  return window;
}

}  // namespace mmscale::measure
