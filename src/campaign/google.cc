// SPDX-License-Identifier: MIT
#include "campaign/google.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "measure/statistics.h"

namespace mmscale::campaign {
namespace {

using Run = benchmark::BenchmarkReporter::Run;

// Of one window, or of all.
Run base_run(const std::string& name, unsigned repetitions, std::string_view aggregate = {}) {
  Run run;
  run.run_type = aggregate.empty() ? Run::RT_Iteration : Run::RT_Aggregate;
  run.aggregate_name = aggregate;
  run.repetition_index = Run::no_repetition_index;
  run.run_name.function_name = name;
  run.family_index = 0;
  run.per_family_instance_index = 0;
  run.iterations = 1;
  run.repetitions = repetitions;
  run.threads = 1;
  run.time_unit = benchmark::kNanosecond;
  run.statistics = nullptr;
  return run;
}

constexpr double kSecondsPerNs = 1e-9;

// What a reporter prints when it is told something.
template <class Tell>
std::string reported_by(benchmark::BenchmarkReporter&& reporter, Tell tell) {
  std::ostringstream text;
  reporter.SetOutputStream(&text);
  reporter.SetErrorStream(&text);
  tell(reporter);
  return text.str();
}

}  // namespace

Run to_run(const measure::Record& record) {
  Run run = base_run(record.name, record.repetitions);
  run.repetition_index = record.repetition;
  run.real_accumulated_time = record.wall_ns() * kSecondsPerNs;
  run.cpu_accumulated_time = record.cpu_ns() * kSecondsPerNs;
  for (const auto& [name, value] : record.counters()) run.counters[name] = benchmark::Counter(value);
  if (!record.valid())
    run.report_label = fmt::format("invalid: {}", fmt::join(record.window.verdict.reasons, "; "));
  return run;
}

std::vector<Run> aggregates(std::span<const measure::Record> repetitions) {
  // Every figure of every valid window, by counter; times under names no counter has.
  std::map<std::string, std::vector<double>> values;
  for (const measure::Record& record : repetitions) {
    if (!record.valid()) continue;
    values["/wall"].push_back(record.wall_ns());
    values["/cpu"].push_back(record.cpu_ns());
    for (const auto& [name, value] : record.counters()) values[name].push_back(value);
  }
  if (values.empty()) return {};

  struct Statistic {
    const char* name;
    std::optional<double> (*of)(std::span<const double>);
    benchmark::StatisticUnit unit;
  };
  const std::array<Statistic, 4> statistics = {{
      {"mean", measure::mean, benchmark::kTime},
      {"median", measure::median, benchmark::kTime},
      {"stddev", measure::stddev, benchmark::kTime},
      {"cv", measure::coefficient_of_variation, benchmark::kPercentage},
  }};
  std::vector<Run> runs;
  for (const Statistic& statistic : statistics) {
    const auto wall = statistic.of(values["/wall"]);
    const auto cpu = statistic.of(values["/cpu"]);
    if (!wall || !cpu) continue;
    Run run = base_run(repetitions.front().name, repetitions.front().repetitions, statistic.name);
    run.aggregate_unit = statistic.unit;
    run.iterations = static_cast<benchmark::IterationCount>(values["/wall"].size());
    // The reporter divides accumulated times by the iterations, which here say how many windows were valid;
    // what is a fraction it takes as it is.
    const double scale =
        statistic.unit == benchmark::kPercentage ? 1 : kSecondsPerNs * static_cast<double>(run.iterations);
    run.real_accumulated_time = *wall * scale;
    run.cpu_accumulated_time = *cpu * scale;
    for (const auto& [name, list] : values)
      if (name.front() != '/')
        if (const auto value = statistic.of(list)) run.counters[name] = benchmark::Counter(*value);
    runs.push_back(std::move(run));
  }
  return runs;
}

nlohmann::ordered_json context_json() {
  const std::string text = reported_by(benchmark::JSONReporter(), [](benchmark::BenchmarkReporter& reporter) {
    reporter.ReportContext(benchmark::BenchmarkReporter::Context());
    reporter.Finalize();
  });
  nlohmann::ordered_json context = nlohmann::ordered_json::parse(text).at("context");
  // It knows the program's name only where it runs the measurement.
  context.emplace("executable", "mmscale");
  return context;
}

nlohmann::ordered_json to_json(const Run& run) {
  return nlohmann::ordered_json::parse(
      reported_by(benchmark::JSONReporter(), [&](auto& reporter) { reporter.ReportRuns({run}); }));
}

nlohmann::ordered_json to_json(const measure::Record& record) {
  nlohmann::ordered_json json = to_json(to_run(record));
  json["mmscale"] = record.details();
  return json;
}

nlohmann::ordered_json to_json(const Conclusion& conclusion) {
  Run run = base_run(conclusion.name, conclusion.repetitions, conclusion.kind);
  run.aggregate_unit = benchmark::kTime;
  run.real_accumulated_time = conclusion.ns * kSecondsPerNs;
  run.cpu_accumulated_time = conclusion.ns * kSecondsPerNs;
  for (const auto& [name, value] : conclusion.counters) run.counters[name] = benchmark::Counter(value);
  nlohmann::ordered_json json = to_json(run);
  if (conclusion.details) json["mmscale"] = *conclusion.details;
  return json;
}

nlohmann::ordered_json document(std::span<const std::vector<measure::Record>> cases, bool aggregates_only) {
  nlohmann::ordered_json document = {{"context", context_json()},
                                     {"benchmarks", nlohmann::ordered_json::array()}};
  for (const auto& repetitions : cases) {
    if (!aggregates_only)
      for (const measure::Record& record : repetitions) document["benchmarks"].push_back(to_json(record));
    for (const Run& run : aggregates(repetitions)) document["benchmarks"].push_back(to_json(run));
  }
  return document;
}

std::string csv(std::span<const std::vector<measure::Record>> cases, bool aggregates_only) {
  std::vector<Run> runs;
  std::set<std::string> counters;
  for (const auto& repetitions : cases) {
    if (!aggregates_only)
      for (const measure::Record& record : repetitions) runs.push_back(to_run(record));
    for (Run& run : aggregates(repetitions)) runs.push_back(std::move(run));
  }
  // The header is made from the first runs, so every run must have the same counters: those it lacks
  // are "nan".
  for (const Run& run : runs)
    for (const auto& [name, counter] : run.counters) counters.insert(name);
  for (Run& run : runs) {
    for (const std::string& name : counters) run.counters.emplace(name, std::nan(""));
    // This reporter takes fractions for times.
    if (run.run_type == Run::RT_Aggregate && run.aggregate_unit == benchmark::kPercentage) {
      run.real_accumulated_time *= kSecondsPerNs * static_cast<double>(run.iterations);
      run.cpu_accumulated_time *= kSecondsPerNs * static_cast<double>(run.iterations);
    }
  }
  // Google Benchmark means to drop it (its own tools read JSON); until then its users' scripts want it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  return reported_by(benchmark::CSVReporter(), [&](auto& reporter) { reporter.ReportRuns(runs); });
#pragma GCC diagnostic pop
}

}  // namespace mmscale::campaign
