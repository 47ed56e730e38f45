// SPDX-License-Identifier: MIT
//
// What a person sees of a campaign: progress on standard error, a table of results on standard output.
#pragma once

#include <chrono>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "measure/record.h"

namespace mmscale::bench {

// Progress, one window at a time: on a terminal one line that is overwritten, else a line for each window.
class Progress {
 public:
  Progress(std::FILE* out, unsigned windows);
  // Before a window runs.
  void starting(const measure::Record& record);
  // After it has; the record is complete.
  void finished(const measure::Record& record);
  // Leaves the terminal on a fresh line.
  void end();

 private:
  std::string eta() const;

  std::FILE* out_;
  bool terminal_;
  unsigned windows_;
  unsigned done_ = 0;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// One line per case, in the order given: rate of all CPUs together and time per operation on one CPU (medians
// of the valid windows, with the interval of the median), and how many of the windows were valid. Cases whose
// operation is timed one by one come first, in a table of their quantiles.
std::string results_table(std::span<const std::vector<measure::Record>> cases);

// "61.2 M", "1.31 G": three significant digits.
std::string with_si_prefix(double value);

// "940 ns", "1.24 us": three significant digits.
std::string time_text(double ns);

// "1m20s", "350ms".
std::string duration_text(std::chrono::nanoseconds duration);

}  // namespace mmscale::bench
