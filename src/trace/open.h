// SPDX-License-Identifier: MIT
//
// Opens a trace of any format, tells which it is, and leaves out what a filter leaves out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>

#include "trace/compact.h"
#include "trace/event.h"
#include "trace/facts.h"

namespace mmscale::trace {

// What a file is, by its first bytes and lines. `tick_rate`: ticks per second of a clock that counts ticks
// (stamps.h). Throws TraceError if it is nothing known: then it says what it is and what to run instead.
std::unique_ptr<Source> open_trace(const std::string& path, std::optional<double> tick_rate = {});

// A trace may last so long. In ps, as the simulator counts, 2^64 are 213 days; nobody traced for that long,
// but a damaged stamp may say so.
inline constexpr std::uint64_t kMostNs = std::uint64_t{100} * 24 * 3600 * 1'000'000'000;

// What of a trace counts.
struct Filter {
  // Nothing from this time on, counted from the first event.
  std::optional<std::uint64_t> until_ns = {};
  // These of the trace's CPUs only; empty: all.
  std::set<std::uint32_t> cpus = {};
  // Only tasks that have this name at some time; everybody else's time is idle time. Empty: all.
  std::string comm = {};
  // How long a tick is, where the trace's clock counts ticks.
  std::optional<double> tick_rate = {};
};

// A trace that can be passed over again and again, always with the same events.
class Trace {
 public:
  // Passes over it once, for the facts, and with a comm filter once before. Throws TraceError: also for a
  // trace without any event that counts.
  Trace(std::string path, Filter filter);

  const Facts& facts() const { return facts_; }

  // What the file says of where it was recorded, by name ("kernel", "machine"); empty where it does not: only
  // mmscale's own traces do.
  std::string recorded(std::string_view name) const;

  // The events that count, from the first on.
  class Pass {
   public:
    explicit Pass(const Trace& trace);
    bool next(Event& event);
    std::string_view format() const { return source_->format(); }
    // nullptr for files of other programs.
    const Provenance* provenance() const;
    // Events that a filter left out.
    std::uint64_t filtered() const { return filtered_; }

   private:
    bool passes(Event& event);

    const Trace& trace_;
    std::unique_ptr<Source> source_;
    std::optional<std::uint64_t> first_ns_;
    std::uint64_t filtered_ = 0;
    bool done_ = false;
  };

 private:
  void find_named();

  std::string path_;
  Filter filter_;
  std::unordered_set<std::int32_t> named_;
  Facts facts_;
  Provenance provenance_;
};

}  // namespace mmscale::trace
