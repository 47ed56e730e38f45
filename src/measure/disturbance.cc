// SPDX-License-Identifier: MIT
#include "measure/disturbance.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "measure/interrupts.h"
#include "measure/kernel_config.h"
#include "measure/text_file.h"
#include "topology/bind.h"

namespace mmscale::measure {
namespace {

constexpr std::int64_t kNsOfSecond = 1'000'000'000;
constexpr std::int64_t kNsPerUs = 1'000;

// 0 where the system has no such clock.
std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  if (::clock_gettime(clock, &now) != 0) return 0;
  return static_cast<std::int64_t>(now.tv_sec) * kNsOfSecond + now.tv_nsec;
}

std::int64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }

using Count = std::optional<std::int64_t>;

Count difference(const Count& after, const Count& before) {
  if (!after || !before || *after < *before) return std::nullopt;
  return *after - *before;
}

void read_schedstat(int fd, ThreadSnapshot& snapshot) {
  std::array<char, 96> buffer;  // three decimal 64-bit numbers, two blanks and a line end
  const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), 0);
  if (got <= 0) return;
  std::string_view text{buffer.data(), static_cast<std::size_t>(got)};
  next_word(text);  // CPU time, which lags by up to a tick
  const auto wait = to_integer(next_word(text));
  const auto slices = to_integer(next_word(text));
  if (slices.value_or(0) != 0) snapshot.wait_ns = wait;
}

// The lines of /proc/stat that matter: "cpuN user nice system idle iowait irq softirq steal ...".
void read_stat(std::string_view text, std::int64_t tick_ns, std::vector<CpuSteal>& cpus) {
  constexpr int kFieldsBeforeSteal = 7;
  while (!text.empty()) {
    auto line = next_line(text);
    const auto key = next_word(line);
    const auto cpu = key.starts_with("cpu") ? to_integer(key.substr(3)) : std::nullopt;
    const auto watched = cpu ? std::ranges::find(cpus, *cpu, &CpuSteal::cpu) : cpus.end();
    if (watched == cpus.end()) continue;
    for (int i = 0; i < kFieldsBeforeSteal; ++i) next_word(line);
    if (const auto ticks = to_integer(next_word(line))) watched->stolen_ns = *ticks * tick_ns;
  }
}

void add(const InterruptRow& row, Count CpuSteal::*sum, std::vector<CpuSteal>& cpus) {
  for (std::size_t i = 0; i < cpus.size(); ++i)
    if (row.counts[i]) cpus[i].*sum = (cpus[i].*sum).value_or(0) + *row.counts[i];
}

// /proc/softirqs looks like /proc/interrupts. Timers, the scheduler and RCU come with the tick.
void read_softirqs(const std::vector<InterruptRow>& rows, std::vector<CpuSteal>& cpus) {
  constexpr std::array<std::string_view, 6> kOthersWork = {"HI",    "NET_TX",   "NET_RX",
                                                           "BLOCK", "IRQ_POLL", "TASKLET"};
  for (const InterruptRow& row : rows)
    if (std::ranges::find(kOthersWork, row.name) != kOthersWork.end()) add(row, &CpuSteal::softirqs, cpus);
}

// Rows without a description are sums of others (s390).
void read_interrupts(const std::vector<InterruptRow>& rows, std::vector<CpuSteal>& cpus) {
  for (const InterruptRow& row : rows)
    if (!row.description.empty())
      add(row, ipi_kind(row.description) ? &CpuSteal::ipis : &CpuSteal::interrupts, cpus);
}

// Version 2 of cgroups counts the time in us, version 1 in ns and under another name.
void read_throttling(std::string_view text, MachineSnapshot& snapshot) {
  snapshot.throttled_periods = line_value(text, "nr_throttled");
  snapshot.throttled_ns = line_value(text, "throttled_time");
  if (const auto us = line_value(text, "throttled_usec")) snapshot.throttled_ns = *us * kNsPerUs;
}

// Empty where it is not set, or not to be read.
std::string kernel_option(const char* name) {
  static const auto found = find_kernel_config(read_line("/proc/sys/kernel/osrelease").value_or(""));
  if (!found.config) return {};
  const auto entry = found.config->find(name);
  return entry == found.config->end() ? "" : entry->second;
}

}  // namespace

ThreadDisturbance operator-(const ThreadSnapshot& after, const ThreadSnapshot& before) {
  return {
      .counted = after.counted && before.counted,
      .involuntary = after.involuntary - before.involuntary,
      .voluntary = after.voluntary - before.voluntary,
      .wait_ns = difference(after.wait_ns, before.wait_ns),
      .cpu_before = before.cpu,
      .cpu_after = after.cpu,
      .bound = after.bound,
      .migrated = before.cpu != after.cpu,
  };
}

// Opening binds the file to the calling thread; the descriptor keeps that binding and spares the path
// walk later.
ThreadProbe::ThreadProbe(const std::filesystem::path& schedstat)
    : schedstat_(::open(schedstat.c_str(), O_RDONLY | O_CLOEXEC)) {}

ThreadSnapshot ThreadProbe::snapshot() const {
  ThreadSnapshot snapshot;
  rusage usage{};
  snapshot.counted = ::getrusage(RUSAGE_THREAD, &usage) == 0;
  snapshot.involuntary = usage.ru_nivcsw;
  snapshot.voluntary = usage.ru_nvcsw;
  if (const int cpu = ::sched_getcpu(); cpu >= 0) snapshot.cpu = static_cast<unsigned>(cpu);
  snapshot.bound = topology::is_bound_to(snapshot.cpu);
  if (schedstat_.get() >= 0) read_schedstat(schedstat_.get(), snapshot);
  return snapshot;
}

std::optional<std::int64_t> thread_cpu_time_ns() {
  const std::int64_t ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  return ns > 0 ? std::optional(ns) : std::nullopt;
}

bool cpu_time_excludes_steal() {
  static const bool excludes = kernel_option("PARAVIRT_TIME_ACCOUNTING") == "y";
  return excludes;
}

Clocks read_clocks(std::int64_t (*read)(clockid_t)) {
  if (read == nullptr) read = clock_ns;
  // Readings that were taken far apart, since the reader was interrupted, would look like a clock that was moved:
  // the closest of some.
  constexpr int kTries = 10;
  constexpr std::int64_t kClose = 5 * kNsPerUs;
  Clocks best;
  std::int64_t closest = INT64_MAX;
  for (int i = 0; i < kTries && closest > kClose; ++i) {
    const std::int64_t begin = read(CLOCK_MONOTONIC);
    const std::int64_t raw = read(CLOCK_MONOTONIC_RAW);
    const std::int64_t boot = read(CLOCK_BOOTTIME);
    const std::int64_t apart = read(CLOCK_MONOTONIC) - begin;
    if (apart < 0 || apart >= closest) continue;
    closest = apart;
    best = {.monotonic_ns = begin, .raw_ns = raw, .boot_ns = boot};
  }
  return best;
}

MachineProbe::MachineProbe(std::vector<unsigned> cpus, std::filesystem::path cpu_stat,
                           std::filesystem::path root)
    : cpus_(std::move(cpus)),
      cpu_stat_(std::move(cpu_stat)),
      root_(std::move(root)),
      tick_ns_(kNsOfSecond / ::sysconf(_SC_CLK_TCK)) {}

MachineSnapshot MachineProbe::snapshot() const {
  const auto text = [](const std::filesystem::path& path) { return read_text(path).value_or(""); };
  MachineSnapshot snapshot;
  snapshot.clocks = read_clocks();
  for (const unsigned cpu : cpus_) snapshot.steal.push_back({.cpu = cpu, .stolen_ns = {}});
  read_stat(text(root_ / "proc/stat"), tick_ns_, snapshot.steal);
  read_softirqs(parse_interrupts(text(root_ / "proc/softirqs"), cpus_), snapshot.steal);
  read_interrupts(parse_interrupts(text(root_ / "proc/interrupts"), cpus_), snapshot.steal);
  if (!cpu_stat_.empty()) read_throttling(text(cpu_stat_), snapshot);
  return snapshot;
}

MachineDisturbance MachineProbe::between(const MachineSnapshot& before, const MachineSnapshot& after) const {
  MachineDisturbance result;
  result.elapsed_ns = after.clocks.monotonic_ns - before.clocks.monotonic_ns;
  result.raw_elapsed_ns = after.clocks.raw_ns - before.clocks.raw_ns;
  result.suspended_ns = after.clocks.boot_ns - before.clocks.boot_ns - result.elapsed_ns;
  result.tick_ns = tick_ns_;
  // Linux ticks no more often than 1,000 times.
  static const std::int64_t hz = to_integer(kernel_option("HZ")).value_or(1000);
  result.ticks_per_second = hz;
  for (std::size_t i = 0; i < cpus_.size(); ++i) {
    const CpuSteal& then = before.steal.at(i);
    const CpuSteal& now = after.steal.at(i);
    result.steal.push_back({cpus_[i], difference(now.stolen_ns, then.stolen_ns),
                            difference(now.softirqs, then.softirqs),
                            difference(now.interrupts, then.interrupts), difference(now.ipis, then.ipis)});
  }
  result.throttled_periods = difference(after.throttled_periods, before.throttled_periods);
  result.throttled_ns = difference(after.throttled_ns, before.throttled_ns);
  return result;
}

double alu_rate() {
  // Knuth's MMIX generator; any odd multiplier would do, as the chain and not the value counts.
  constexpr auto kMultiplier = static_cast<std::uintptr_t>(6364136223846793005u);
  constexpr auto kIncrement = static_cast<std::uintptr_t>(1442695040888963407u);
  auto value = static_cast<std::uintptr_t>(monotonic_ns());
  double best = 0;
  for (int run = 0; run < kAluRuns; ++run) {
    const auto start = monotonic_ns();
    for (int step = 0; step < kAluSteps; ++step) {
      value = value * kMultiplier + kIncrement;
      asm volatile("" : "+r"(value));  // the compiler would fold two steps into one
    }
    const auto elapsed = monotonic_ns() - start;
    if (elapsed > 0) best = std::max(best, kAluSteps / static_cast<double>(elapsed));
  }
  return best;
}

std::optional<double> alu_drift(double before, double after) {
  if (!(before > 0) || !(after > 0)) return std::nullopt;
  const double ratio = after / before;
  return ratio > 1 ? ratio - 1 : 1 - ratio;
}

}  // namespace mmscale::measure
