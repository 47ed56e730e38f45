// SPDX-License-Identifier: MIT
//
// The kernel's `trace` file as text (Documentation/trace/ftrace.rst), also in its latency format and as
// atrace hands it over, and what `trace-cmd report` prints; gzipped or not.
#pragma once

#include <optional>

#include "trace/event.h"
#include "trace/lines.h"
#include "trace/stamps.h"

namespace mmscale::trace {

class FtraceText final : public Source {
 public:
  explicit FtraceText(const std::string& path, std::optional<double> tick_rate = {})
      : lines_(path), stamps_(tick_rate) {}
  bool next(Event& event) override;
  std::string_view format() const override { return report_ ? "trace-cmd report" : "ftrace text"; }

  // Whether a line is an event's, or one of what stands before the first: what tells the format of a file.
  static bool looks_like(std::string_view line);

 private:
  bool note(std::string_view line, Event& event);

  LineReader lines_;
  Stamps stamps_;
  // trace-cmd's head was there.
  bool report_ = false;
  // The last line with a time was no scheduler's event: a marker's text or a stack may go on in lines of its
  // own, which mean nothing.
  bool may_continue_ = true;
  bool begun_ = false;
};

}  // namespace mmscale::trace
