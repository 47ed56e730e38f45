// SPDX-License-Identifier: MIT
#include "trace/open.h"

#include <fmt/format.h>

#include <utility>

#include "trace/builder.h"
#include "trace/compact.h"
#include "trace/ftrace_text.h"
#include "trace/lines.h"
#include "trace/perf_text.h"
#include "trace/trace_dat.h"

namespace mmscale::trace {

std::unique_ptr<Source> open_trace(const std::string& path) {
  std::string head;
  {
    ByteReader bytes(path);
    head = bytes.peek().substr(0, 16);
  }
  if (head.empty()) throw TraceError(fmt::format("{}: empty", path));
  if (head.starts_with(kCompactMagic)) return std::make_unique<CompactReader>(path);
  if (head.starts_with(kTraceDatMagic)) return std::make_unique<TraceDat>(path);
  // What perf prints begins with a task; the kernel's file with '# tracer:', unless somebody cut that off.
  LineReader lines(path);
  for (std::string_view line; lines.next(line);) {
    if (line.starts_with("# tracer:")) return std::make_unique<FtraceText>(path);
    if (line.starts_with('#') || line.find_first_not_of(" \t") == line.npos) continue;
    if (PerfText::looks_like(line)) return std::make_unique<PerfText>(path);
    return std::make_unique<FtraceText>(path);
  }
  return std::make_unique<FtraceText>(path);
}

Trace::Pass::Pass(const Trace& trace) : trace_(trace), source_(open_trace(trace.path_)) {}

// Whether an event counts; may turn other tasks into the idle task.
bool Trace::Pass::passes(Event& event) {
  const Filter& filter = trace_.filter_;
  if (event.kind == Kind::task || event.kind == Kind::lost) return true;
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
    if (event.cpu >= kMostCpus || event.pid < 0 || event.other < 0)
      throw TraceError(fmt::format("{}: an event of CPU {}, pids {} and {}", trace_.path_, event.cpu,
                                   event.pid, event.other));
    if (passes(event)) return true;
  }
  return false;
}

void Trace::find_named() {
  const auto source = open_trace(path_);
  const Comm wanted(filter_.comm);
  for (Event event; source->next(event);) {
    if (event.comm == wanted && event.pid != 0) named_.insert(event.pid);
    if (event.other_comm == wanted && event.other != 0) named_.insert(event.other);
  }
}

Trace::Trace(std::string path, Filter filter) : path_(std::move(path)), filter_(std::move(filter)) {
  if (!filter_.comm.empty()) {
    find_named();
    if (named_.empty()) throw TraceError(fmt::format("{}: no task is ever called '{}'", path_, filter_.comm));
  }
  Builder survey;
  Pass pass(*this);
  for (Event event; pass.next(event);) survey.add(event);
  facts_ = survey.finish();
  facts_.format = pass.format();
  facts_.odd[static_cast<std::size_t>(Oddity::filtered)].count = pass.filtered();
  if (facts_.switches == 0)
    throw TraceError(fmt::format("{}: {} without a sched_switch{}", path_, facts_.format,
                                 pass.filtered() != 0 ? " that the filters let through" : ""));
}

}  // namespace mmscale::trace
