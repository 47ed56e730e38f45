// SPDX-License-Identifier: MIT
//
// Records as Google Benchmark sees them: its Run, its JSON, its names.
#pragma once

#include <benchmark/benchmark.h>

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "campaign/case.h"
#include "measure/record.h"

namespace mmscale::campaign {

// One window as an iteration run: real_time is wall time per operation of all CPUs together, cpu_time is CPU
// time per operation, so that compare.py compares what people compare. The window's own length is a counter.
benchmark::BenchmarkReporter::Run to_run(const measure::Record& record);

// mean, median, stddev and cv of the valid windows among the repetitions of one case; none if none is valid.
// Google Benchmark's own would count the invalid ones in.
std::vector<benchmark::BenchmarkReporter::Run> aggregates(std::span<const measure::Record> repetitions);

// What Google Benchmark's JSON reporter writes as context, our additions to it included.
nlohmann::ordered_json context_json();

// What Google Benchmark's JSON reporter writes for a run.
nlohmann::ordered_json to_json(const benchmark::BenchmarkReporter::Run& run);

// The same with the record's details beside the counters: what a record file holds for a window.
nlohmann::ordered_json to_json(const measure::Record& record);

// A conclusion as an aggregate of its own kind.
nlohmann::ordered_json to_json(const Conclusion& conclusion);

// Everything at once, the repetitions of one case after the other, each case followed by its aggregates: the
// document that a record file would hold, and Google Benchmark's CSV (which has no place for a context).
nlohmann::ordered_json document(std::span<const std::vector<measure::Record>> cases, bool aggregates_only);
std::string csv(std::span<const std::vector<measure::Record>> cases, bool aggregates_only);

}  // namespace mmscale::campaign
