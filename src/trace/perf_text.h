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
  bool lost(std::string_view text, Event& event) const;
  void settle_namespace(std::int32_t head, Event& event);

  LineReader lines_;
  // A call chain's lines, to the next empty one.
  bool in_chain_ = false;
  // perf ran in another pid namespace than the tracepoints' pids are of: its own are of no use.
  bool foreign_pids_ = false;
};

}  // namespace mmscale::trace
