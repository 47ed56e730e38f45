// SPDX-License-Identifier: MIT
//
// What `perf script` prints of a `perf sched record`, gzipped or not.
#pragma once

#include "trace/event.h"
#include "trace/lines.h"

namespace mmscale::trace {

class PerfText final : public Source {
 public:
  explicit PerfText(const std::string& path) : lines_(path) {}
  bool next(Event& event) override;
  std::string_view format() const override { return "perf script text"; }

  // Whether a line is one of perf script's: what tells the format of a file.
  static bool looks_like(std::string_view line);

 private:
  LineReader lines_;
};

}  // namespace mmscale::trace
