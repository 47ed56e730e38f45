// SPDX-License-Identifier: MIT
//
// Opens a trace of any format, tells which it is, and leaves out what a filter leaves out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>

#include "trace/event.h"
#include "trace/facts.h"

namespace mmscale::trace {

// What a file is, by its first bytes. Throws TraceError if it is nothing known.
std::unique_ptr<Source> open_trace(const std::string& path);

// What of a trace counts.
struct Filter {
  // Nothing from this time on, counted from the first event.
  std::optional<std::uint64_t> until_ns = {};
  // These of the trace's CPUs only; empty: all.
  std::set<std::uint32_t> cpus = {};
  // Only tasks that have this name at some time; everybody else's time is idle time. Empty: all.
  std::string comm = {};
};

// A trace that can be passed over again and again, always with the same events.
class Trace {
 public:
  // Passes over it once, for the facts, and with a comm filter once before. Throws TraceError: also for a
  // trace without any event that counts.
  Trace(std::string path, Filter filter);

  const Facts& facts() const { return facts_; }

  // The events that count, from the first on.
  class Pass {
   public:
    explicit Pass(const Trace& trace);
    bool next(Event& event);
    std::string_view format() const { return source_->format(); }
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
};

}  // namespace mmscale::trace
