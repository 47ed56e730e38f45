// SPDX-License-Identifier: MIT
#include "measure/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "scheme/known.h"

namespace mmscale::measure {
namespace {

std::set<unsigned> packages_of(const Window& window) {
  std::set<unsigned> packages;
  for (const CpuWindow& cpu : window.cpus) packages.insert(cpu.package);
  return packages;
}

// The largest of what each CPU has of it; empty where none has.
template <class Of>
std::optional<double> worst(const WindowConditions& conditions, Of of) {
  std::optional<double> worst;
  for (std::size_t i = 0; i < conditions.cpus.size(); ++i)
    if (const std::optional<double> one = of(conditions.cpus[i], i))
      worst = std::max(worst.value_or(0), *one);
  return worst;
}

std::optional<double> part_of(std::optional<std::int64_t> part, std::int64_t whole) {
  if (!part || whole <= 0) return std::nullopt;
  return static_cast<double>(*part) / static_cast<double>(whole);
}

// Where a CPU's time went, ns; what is not known is left out, and what is usually 0 unless it is something.
nlohmann::ordered_json account_of(const WindowConditions& conditions, std::size_t index) {
  const CpuConditions& at = conditions.cpus[index];
  nlohmann::ordered_json account = nlohmann::ordered_json::object();
  if (!at.account) return account;
  if (at.account->ran_ns) account["ran_ns"] = std::max<std::int64_t>(*at.account->ran_ns, 0);
  if (at.thread.wait_ns) account["waited_ns"] = *at.thread.wait_ns;
  account["longest_gap_ns"] = at.account->longest_gap_ns;
  if (at.account->stalled_ns > 0) account["stalled_ns"] = at.account->stalled_ns;
  if (at.account->away_ns > 0) account["away_ns"] = at.account->away_ns;
  if (index < conditions.machine.steal.size() && conditions.machine.steal[index].stolen_ns.value_or(0) > 0)
    account["stolen_ns"] = *conditions.machine.steal[index].stolen_ns;
  account["lost"] = loss_of(at, index, conditions).all();
  return account;
}

// Every CPU in full up to so many. Of more, all rounds, when the first began and the last ended, and in full the few that
// lost most: thousands of windows of hundreds of CPUs would be some hundred megabytes.
constexpr std::size_t kWholePerCpu = 64;
constexpr std::size_t kMostLosers = 4;

nlohmann::ordered_json entry_of(const Window& window, std::size_t i) {
  const CpuWindow& cpu = window.cpus[i];
  nlohmann::ordered_json entry = {
      {"pu", cpu.pu},         {"package", cpu.package}, {"start_ns", cpu.start_ns},
      {"end_ns", cpu.end_ns}, {"rounds", cpu.rounds},   {"switches", cpu.switches}};
  if (i < window.conditions.cpus.size()) entry.update(account_of(window.conditions, i));
  return entry;
}

nlohmann::ordered_json per_cpu_of(const Window& window) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  if (window.cpus.size() <= kWholePerCpu) {
    for (std::size_t i = 0; i < window.cpus.size(); ++i) all.push_back(entry_of(window, i));
    return all;
  }
  std::vector<std::pair<double, std::size_t>> losers;
  std::int64_t start = window.cpus.front().start_ns;
  std::int64_t end = window.cpus.front().end_ns;
  for (std::size_t i = 0; i < window.cpus.size(); ++i) {
    all.push_back(window.cpus[i].rounds);
    start = std::min(start, window.cpus[i].start_ns);
    end = std::max(end, window.cpus[i].end_ns);
    if (i >= window.conditions.cpus.size()) continue;
    const double lost = loss_of(window.conditions.cpus[i], i, window.conditions).all();
    if (lost > 0) losers.emplace_back(-lost, i);
  }
  std::sort(losers.begin(), losers.end());
  nlohmann::ordered_json most_lost = nlohmann::ordered_json::array();
  for (std::size_t k = 0; k < std::min(losers.size(), kMostLosers); ++k)
    most_lost.push_back(entry_of(window, losers[k].second));
  return {{"start_ns", start},
          {"end_ns", end},
          {"rounds", std::move(all)},
          {"most_lost", std::move(most_lost)},
          {"losers", losers.size()}};
}

bool has(const Subject& subject, const workload::Setting& setting) {
  using enum workload::Setting::Of;
  if (setting.of == processes) return !subject.workload.empty();
  const scheme::SchemeInfo* info = scheme::find_scheme(subject.scheme);
  if (setting.of == scheme) return info != nullptr && info->tunable == setting.key;
  return setting.of == kernel && !subject.lifecycle.empty();
}

double stolen_ns(const WindowConditions& conditions) {
  double sum = 0;
  for (const CpuSteal& cpu : conditions.machine.steal) sum += static_cast<double>(cpu.stolen_ns.value_or(0));
  return sum;
}

std::optional<double> involuntary(const WindowConditions& conditions) {
  double sum = 0;
  for (const CpuConditions& cpu : conditions.cpus) {
    if (!cpu.thread.counted) return std::nullopt;
    sum += static_cast<double>(cpu.thread.involuntary);
  }
  return sum;
}

}  // namespace

double Record::rate() const {
  return subject.operation->is_round ? window.rounds_per_second() : window.switches_per_second();
}

double Record::wall_ns() const {
  if (findings.operation_ns) return *findings.operation_ns;
  return rate() > 0 ? 1e9 / rate() : 0;
}

double Record::cpu_ns() const {
  if (findings.operation_ns) return *findings.operation_ns;
  return (subject.operation->is_round ? window.ns_per_round() : window.ns_per_switch()).value_or(0);
}

std::vector<std::pair<std::string, double>> Record::counters() const {
  std::vector<std::pair<std::string, double>> counters;
  const auto put = [&counters](std::string counter, std::optional<double> value) {
    // JSON has no infinity: a ratio to a CPU that got nothing is left out, its Jain index says it.
    if (value && std::isfinite(*value)) counters.emplace_back(std::move(counter), *value);
  };
  const auto count = [&put](std::string counter, std::uint64_t value) {
    put(std::move(counter), static_cast<double>(value));
  };

  count("cpus", window.cpus.size());
  count("packages", packages_of(window).size());
  if (const Operation& operation = *subject.operation; !findings.operation_ns) {
    put(std::string(operation.rate), rate());
    put(std::string(operation.cost), operation.is_round ? window.ns_per_round() : window.ns_per_switch());
    if (!operation.is_round) {
      put("ns_per_round", window.ns_per_round());
      count("switches", window.switches());
    }
  }
  // Where there is an emulated kernel, what its CPUs counted.
  if (!subject.lifecycle.empty()) {
    count("mm_count_ops", window.tally.mm_count_ops());
    count("ipis_sent", window.tally.ipis_sent());
    for (const kernel::Tally::Field& field : kernel::Tally::fields())
      count(std::string(field.name), window.tally.*field.member);
  }
  put("overlap", window.overlap);
  put("jain", window.jain());
  put("max_min_ratio", window.max_min_ratio());
  for (unsigned package : packages_of(window))
    put(fmt::format("share_package_{}", package), window.share_of_package(package));
  put("window_ns", static_cast<double>(times.measure.count()));
  put("involuntary_switches", involuntary(window.conditions));
  const WindowConditions& conditions = window.conditions;
  const auto put_worst = [&](std::string counter, auto of) {
    put(std::move(counter), worst(conditions, of));
  };
  put_worst("wait_share_max", [&](const CpuConditions& cpu, std::size_t) {
    return part_of(cpu.thread.wait_ns, conditions.window_ns);
  });
  put("stolen_ns", stolen_ns(conditions));
  put_worst("alu_drift_max", [](const CpuConditions& cpu, std::size_t) {
    return alu_drift(cpu.alu_rate_before, cpu.alu_rate_after);
  });
  put_worst("off_share_max", [](const CpuConditions& cpu, std::size_t) -> std::optional<double> {
    if (!cpu.account || !cpu.account->ran_ns) return std::nullopt;
    return part_of(cpu.account->elapsed_ns - *cpu.account->ran_ns, cpu.account->elapsed_ns);
  });
  // Of what is in no account.
  put_worst("unexplained_share_max", [&](const CpuConditions& cpu, std::size_t i) -> std::optional<double> {
    if (!cpu.account) return std::nullopt;
    const CpuLoss loss = loss_of(cpu, i, conditions);
    return loss.stood + loss.stalled;
  });
  put_worst("longest_gap_ns", [](const CpuConditions& cpu, std::size_t) -> std::optional<double> {
    if (!cpu.account) return std::nullopt;
    return static_cast<double>(cpu.account->longest_gap_ns);
  });
  put("error_bound", window.verdict.bounds.rate);
  put("fairness_error_bound", window.verdict.bounds.fairness);
  for (std::size_t i = 0; i < window.pmu_events.size(); ++i)
    if (const auto sum = window.pmu_count(i)) count(window.pmu_name(i), *sum);
  put("valid", valid() ? 1 : 0);
  for (const auto& [counter, value] : findings.counters) put(counter, value);
  return counters;
}

nlohmann::ordered_json Record::details() const {
  std::vector<unsigned> packages;
  for (const CpuWindow& cpu : window.cpus) packages.push_back(cpu.package);
  nlohmann::ordered_json details = {{"schema", kSchema},
                                    {"world", "silicon"},
                                    {"family", subject.family},
                                    {"scheme", subject.scheme},
                                    {"cpus", window.cpus.size()},
                                    {"placement", subject.placement},
                                    {"home_node", subject.home_node},
                                    {"warm_ns", times.warm.count()},
                                    {"window_ns", times.measure.count()},
                                    {"pus", subject.pus},
                                    {"packages", packages},
                                    {"per_cpu", per_cpu_of(window)},
                                    {"invalid", window.verdict.reasons},
                                    {"audit", window.audit}};
  if (!window.pmu.empty()) details["pmu"] = window.pmu;
  if (!subject.workload.empty()) {
    details["workload"] = subject.workload;
    details["sharing"] = subject.sharing;
  }
  if (!subject.lifecycle.empty()) {
    details["lifecycle"] = subject.lifecycle;
    if (!subject.lifecycle_reason.empty()) details["lifecycle_reason"] = subject.lifecycle_reason;
    details["absent"] = subject.absent;
  }
  if (!subject.transport.empty()) {
    details["transport"] = subject.transport;
    details["transport_reason"] = subject.transport_reason;
    details["transport_caveat"] = subject.transport_caveat;
  }
  for (const workload::Setting& setting : workload::settings()) {
    const auto value = setting.get(subject.settings);
    if (!value || !has(subject, setting) || (setting.more.left_out && value == setting.more.unused)) continue;
    nlohmann::ordered_json& said = details[std::string(setting.key)];
    if (setting.value == workload::Value::flag)
      said = *value != 0;
    else if (setting.value == workload::Value::name)
      said = setting.more.choices()[*value];
    else
      said = *value;
  }
  if (findings.details) details.update(*findings.details);
  return details;
}

}  // namespace mmscale::measure
