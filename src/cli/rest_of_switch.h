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
  // the longer it is the less a scheme gains: so gains are upper bounds.
  bool is_upper_bound() const { return by_cpus_.size() == 1; }

  // Between the table's rows, linearly; below the first, as there. Throws UsageError beyond the last:
  // nobody knows.
  double ns(unsigned cpus) const;

 private:
  std::string origin_;
  std::map<unsigned, double> by_cpus_;
};

}  // namespace mmscale::cli
