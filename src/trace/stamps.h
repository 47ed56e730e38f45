// SPDX-License-Identifier: MIT
//
// The time stamps of a text trace: seconds with a point, or ticks of a clock that does not say how long one
// is. All of a file are of the same kind.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mmscale::trace {

// Which clocks of the kernel (Documentation/trace/ftrace.rst, trace_clock) count ticks.
inline constexpr std::string_view kTickClocks = "counter, uptime, x86-tsc, ppc-tb, s390-tod";

class Stamps {
 public:
  // How many ticks a second has, if the user says so.
  explicit Stamps(std::optional<double> tick_rate) : tick_rate_(tick_rate) {}

  // Whether `word` is a stamp of the kind that this file has; the first one says which. `ns` is 0 for ticks
  // whose rate is not known.
  bool read(std::string_view word, std::uint64_t& ns) const;
  // An event with that stamp counts. What is wrong with stamps of that kind, or nullptr.
  const char* accept(std::string_view word);

 private:
  std::optional<double> tick_rate_;
  std::optional<bool> ticks_;
};

// `ticks` at `rate` a second, in ns; nothing if that is more than 292 years.
std::optional<std::uint64_t> ticks_to_ns(std::uint64_t ticks, double rate);

}  // namespace mmscale::trace
