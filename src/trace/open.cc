// SPDX-License-Identifier: MIT
#include "trace/open.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "trace/builder.h"
#include "trace/compact.h"
#include "trace/foreign.h"
#include "trace/ftrace_text.h"
#include "trace/lines.h"
#include "trace/perf_text.h"
#include "trace/trace_dat.h"

namespace mmscale::trace {

std::unique_ptr<Source> open_trace(const std::string& path, std::optional<double> tick_rate) {
  std::string head;
  bool packed = false;
  {
    ByteReader bytes(path);
    head = bytes.peek().substr(0, 64);
    packed = bytes.packed();
  }
  if (head.empty()) throw TraceError(fmt::format("{}: empty", path));
  const auto no_ticks = [&](std::unique_ptr<Source> source) {
    if (tick_rate)
      throw TraceError(fmt::format("{}: {}: its time stamps are in seconds, --tick-rate does not apply", path,
                                   source->format()));
    return source;
  };
  if (head.starts_with(kCompactMagic)) return no_ticks(std::make_unique<CompactReader>(path));
  if (head.starts_with(kTraceDatMagic)) {
    if (packed) throw TraceError(fmt::format("{}: a gzipped trace.dat: unpack it first", path));
    return std::make_unique<TraceDat>(path, tick_rate);
  }
  if (const std::string foreign = foreign_bytes(head); !foreign.empty())
    throw TraceError(fmt::format("{}: {}", path, foreign));
  // The first line that either knows decides; it is not far.
  constexpr std::uint64_t kMostBefore = 10'000;
  LineReader lines(path);
  for (std::string_view line; lines.number() < kMostBefore && lines.next(line);) {
    if (!line.starts_with('#') && PerfText::looks_like(line))
      return no_ticks(std::make_unique<PerfText>(path));
    if (FtraceText::looks_like(line)) break;
  }
  return std::make_unique<FtraceText>(path, tick_rate);
}

Trace::Pass::Pass(const Trace& trace)
    : trace_(trace), source_(open_trace(trace.path_, trace.filter_.tick_rate)) {}

// Whether an event counts; may turn other tasks into the idle task.
bool Trace::Pass::passes(Event& event) {
  const Filter& filter = trace_.filter_;
  if (event.kind == Kind::task || event.kind == Kind::lost || event.kind == Kind::seen) return true;
  if (!first_ns_) first_ns_ = event.time_ns;
  if (filter.until_ns && event.time_ns >= *first_ns_ && event.time_ns - *first_ns_ >= *filter.until_ns) {
    done_ = true;
    return false;
  }
  if (!filter.cpus.empty() && !filter.cpus.contains(event.cpu)) return ++filtered_, false;
  if (filter.comm.empty()) return true;
  const auto counts = [&](std::int32_t pid) { return trace_.named_.contains(pid); };
  if (event.kind == Kind::switched) {
    if (!counts(event.pid)) event.pid = 0, event.comm = {};
    if (!counts(event.other)) event.other = 0, event.other_comm = {};
    return event.pid != 0 || event.other != 0 || (++filtered_, false);
  }
  return counts(event.pid) || (++filtered_, false);
}

bool Trace::Pass::next(Event& event) {
  while (!done_ && source_->next(event)) {
    if (event.cpu >= kMostCpus || event.pid < kUnknownPid || event.other < 0)
      throw TraceError(fmt::format("{}: an event of CPU {}, pids {} and {}", trace_.path_, event.cpu,
                                   event.pid, event.other));
    if (passes(event)) return true;
  }
  return false;
}

const Provenance* Trace::Pass::provenance() const {
  const auto* own = dynamic_cast<const CompactReader*>(source_.get());
  return own ? &own->provenance() : nullptr;
}

std::string Trace::recorded(std::string_view name) const {
  constexpr std::size_t kLongest = 80;
  const auto found = std::ranges::find(provenance_, name, &Provenance::value_type::first);
  if (found == provenance_.end()) return {};
  // It goes to screens and into records, and anybody may have written it.
  std::string text = found->second.substr(0, kLongest);
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

void Trace::find_named() {
  const auto source = open_trace(path_, filter_.tick_rate);
  const Comm wanted(filter_.comm);
  for (Event event; source->next(event);) {
    if (event.comm == wanted && event.pid != 0) named_.insert(event.pid);
    if (event.other_comm == wanted && event.other != 0) named_.insert(event.other);
  }
}

namespace {
constexpr std::uint64_t kDay = std::uint64_t{24} * 3600 * 1'000'000'000;
}

Trace::Trace(std::string path, Filter filter) : path_(std::move(path)), filter_(std::move(filter)) {
  if (!filter_.comm.empty()) {
    find_named();
    if (named_.empty()) throw TraceError(fmt::format("{}: no task is ever called '{}'", path_, filter_.comm));
  }
  Builder survey;
  Pass pass(*this);
  for (Event event; pass.next(event);) {
    survey.add(event);
    if (survey.span_ns() > kMostNs)
      throw TraceError(
          fmt::format("{}: lasts for {} days up to the event of CPU {}, pid {} at {:.6f} s, {} are the most: "
                      "a damaged time stamp?",
                      path_, survey.span_ns() / kDay, event.cpu, event.pid,
                      static_cast<double>(event.time_ns) * 1e-9, kMostNs / kDay));
  }
  facts_ = survey.finish();
  facts_.format = pass.format();
  if (const Provenance* said = pass.provenance()) provenance_ = *said;
  facts_.odd[static_cast<std::size_t>(Oddity::filtered)].count = pass.filtered();
  // A clock is late now and then, and each CPU's a little; differences of times go back all the time.
  constexpr std::uint64_t kFew = 16;
  if (const std::uint64_t back = facts_.of(Oddity::time_back).count; back > kFew && back > facts_.events / 4)
    throw TraceError(fmt::format(
        "{}: {} of {} time stamps go back: are they differences (perf script --deltatime), or one CPU's "
        "events after the other's (cat per_cpu/cpu*/trace)? Read what all CPUs did, in order",
        path_, back, facts_.events));
  if (facts_.switches == 0)
    throw TraceError(fmt::format("{}: {} without a sched_switch{}", path_, facts_.format,
                                 pass.filtered() != 0 ? " that the filters let through" : ""));
}

}  // namespace mmscale::trace
