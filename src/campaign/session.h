// SPDX-License-Identifier: MIT
//
// A campaign: cases registered with Google Benchmark, which picks, repeats and shuffles them; windows run by
// our own pool; every record handed to its writers the moment it exists.
#pragma once

#include <string>
#include <vector>

#include "campaign/case.h"
#include "campaign/google.h"
#include "measure/window.h"

namespace mmscale::campaign {

// What Google Benchmark's own flags (and their BENCHMARK_* variables) ask of our writers.
struct GoogleFlags {
  std::string filter;       // --benchmark_filter, a regular expression; a leading '-' excludes
  std::string format;       // one of formats(); --benchmark_format: console, json or csv
  std::string out;          // --benchmark_out
  std::string out_format;   // --benchmark_out_format
  bool list_tests = false;  // --benchmark_list_tests
  bool file_aggregates_only = false;
  bool display_aggregates_only = false;
  unsigned repetitions = 0;  // --benchmark_repetitions, 0: not given
  // All of them as given, for Google Benchmark to parse in its turn.
  std::vector<std::string> raw;

  // Takes the --benchmark_* arguments out of `arguments`. Throws std::invalid_argument for one it
  // cannot read.
  static GoogleFlags take_from(std::vector<std::string>& arguments);
};

// Exit statuses of `mmscale bench`.
enum class Outcome {
  ok = 0,
  failed = 1,         // an error, a conservation mismatch, or no case left by the filter
  nothing_valid = 3,  // it ran, but some case has no valid window
  interrupted = 130,  // SIGINT or SIGTERM; what was finished is recorded
};

struct SessionSetup {
  std::vector<Case> cases;
  // What to conclude from all windows, one after the other.
  std::vector<std::vector<Conclusion> (*)(Results)> conclude = {};
  measure::WindowTimes times;
  unsigned repetitions = 1;
  // How many windows more there may be, for cases of which none counts.
  std::size_t spare = 0;
  std::string out;    // record file; empty for none
  bool live = false;  // LiveView on a terminal
  GoogleFlags google;
  std::vector<std::pair<std::string, std::string>> context;
};

// The cases that a --benchmark_filter leaves. Throws std::invalid_argument for a bad regular expression.
std::vector<Case> filtered(std::vector<Case> cases, const std::string& filter);

Outcome run_session(measure::Bench& bench, SessionSetup setup);

}  // namespace mmscale::campaign
