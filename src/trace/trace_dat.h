// SPDX-License-Identifier: MIT
//
// trace-cmd's trace.dat, read with libtracecmd and libtraceevent: the top buffer and those of instances
// (trace-cmd record -B) as one. Where two have an event, the first of them counts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "trace/event.h"

namespace mmscale::trace {

// First bytes of the file (trace-cmd.dat(5)).
inline constexpr std::string_view kTraceDatMagic = "\x17\x08\x44tracing";

class TraceDat final : public Source {
 public:
  // `tick_rate`: ticks per second of a clock that counts ticks (stamps.h).
  explicit TraceDat(const std::string& path, std::optional<double> tick_rate = {});
  ~TraceDat() override;
  bool next(Event& event) override;
  std::string_view format() const override { return "trace.dat"; }

 private:
  struct Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace mmscale::trace
