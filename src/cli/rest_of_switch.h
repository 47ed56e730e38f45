// SPDX-License-Identifier: MIT
//
// What a context switch takes beside what a scheme does to the mm: entering the kernel, picking a task,
// waking up. It decides what a scheme can gain, and no model has it.
#pragma once

#include <map>
#include <string>

namespace mmscale::cli {

class RestOfSwitch {
 public:
  // ns, whatever the CPUs; or a file with a line "CPUs ns" for each number of CPUs that it was measured at,
  // blanks or a comma between them, '#' and what follows a comment. Throws UsageError, with the line.
  static RestOfSwitch parse(const std::string& text);

  // One number is that of few CPUs. With many it grows, as runqueues, timers and wake-ups contend, too, and
  // the longer it is the less a scheme gains or loses: so both are upper bounds.
  bool is_upper_bound() const { return by_cpus_.begin()->first == 0; }

  // By how much in print: will-it-scale's context_switch1 takes 1,630 ns a switch with one pair of CPUs of a 2-socket Sapphire
  // Rapids, and 5,040 with 104 of a 2-socket Skylake (kernel test robot 202305151017.27581d75, 202411301528.342383d8).
  static constexpr double kGrowth = 5040.0 / 1630.0;

  // Between the table's rows, linearly; below the first, as there. Throws UsageError beyond the last:
  // nobody knows.
  double ns(unsigned cpus) const;

 private:
  std::string origin_;
  // One number is at 0 CPUs, which no table has.
  std::map<unsigned, double> by_cpus_;
};

}  // namespace mmscale::cli
