// SPDX-License-Identifier: MIT
//
// What a person sees of a campaign: progress on standard error, a table of results on standard output.
#pragma once

#include <chrono>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "campaign/live.h"
#include "measure/record.h"

namespace mmscale::campaign {

// Progress, one window at a time: on a terminal one line that is overwritten, else (TERM=dumb is none) a line for each.
class Progress {
 public:
  // live: on a terminal, LiveView below that line.
  Progress(std::FILE* out, unsigned windows, bool live = false);
  // Before a window runs.
  void starting(std::string_view name, unsigned repetition);
  // After it has; the record is complete.
  void finished(const measure::Record& record);
  // Leaves the terminal on a fresh line.
  void end();

 private:
  std::string eta() const;
  void draw(const std::string& head);
  std::string erased() const;

  std::FILE* out_;
  bool terminal_;
  unsigned windows_;
  unsigned done_ = 0;
  std::optional<LiveView> live_;
  std::size_t drawn_below_ = 0;  // lines of the view that are on the terminal
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// One line per case, in the order given: rate of all CPUs together and time per operation on one CPU (medians
// of the valid windows, with the interval of the median), and how many of the windows were valid. Cases whose
// operation is timed one by one come first, in a table of their quantiles. mark: before every number that came out of a
// window: "~" of what was computed and not measured.
std::string results_table(std::span<const std::vector<measure::Record>> cases, std::string_view mark = "");

// What the CPUs' own counters saw, per operation: a line for each case of which something was counted in a
// valid window, medians over these; empty if there is none. An operation is a context switch, of a floor a
// pair, of what is timed one by one a round.
std::string pmu_table(std::span<const std::vector<measure::Record>> cases);

// "61.2 M", "1.31 G": three significant digits.
std::string with_si_prefix(double value);

// "940 ns", "1.24 us": three significant digits.
std::string time_text(double ns);

// For people: "1m20s", "350ms".
std::string rounded_text(std::chrono::nanoseconds duration);

}  // namespace mmscale::campaign
