// SPDX-License-Identifier: MIT
//
// The kernel's `trace` file as text (Documentation/trace/ftrace.rst), gzipped or not.
#pragma once

#include "trace/event.h"
#include "trace/lines.h"

namespace mmscale::trace {

class FtraceText final : public Source {
 public:
  explicit FtraceText(const std::string& path) : lines_(path) {}
  bool next(Event& event) override;
  std::string_view format() const override { return "ftrace text"; }

 private:
  bool comment(std::string_view line, Event& event);
  bool lost(std::string_view line, Event& event);

  LineReader lines_;
};

}  // namespace mmscale::trace
