// SPDX-License-Identifier: MIT
#include "trace/perf_text.h"

#include "trace/foreign.h"
#include "trace/text_fields.h"

namespace mmscale::trace {
namespace {

struct PerfLine {
  std::string_view comm;
  // kUnknownPid for a task that is gone (-1), and where -F left it out.
  std::int32_t tid = kUnknownPid;
  std::int32_t pid = 0;
  std::uint32_t cpu = 0;
  std::uint64_t ns = 0;
  // "EVENT: BODY".
  std::string_view rest;
};

std::optional<std::int32_t> tid_number(std::string_view word) {
  return word == "-1" ? kUnknownPid : pid_number(word);
}

// "COMM TID" or "COMM PID/TID"; each of the two may be left out, but not both.
bool parse_perf_task(std::string_view text, PerfLine& line) {
  text = trim(text);
  const std::size_t blank = text.find_last_of(" \t");
  std::string_view ids = text.substr(blank == text.npos ? 0 : blank + 1);
  std::optional<std::int32_t> pid = 0;
  if (const std::size_t slash = ids.find('/'); slash != ids.npos) {
    pid = tid_number(ids.substr(0, slash));
    ids.remove_prefix(slash + 1);
  }
  const auto tid = tid_number(ids);
  if (tid && pid) {
    line.tid = *tid;
    line.pid = std::max(*pid, 0);
    line.comm = trim(text.substr(0, blank == text.npos ? 0 : blank));
    return true;
  }
  line.tid = kUnknownPid;
  line.pid = 0;
  line.comm = text;
  return !text.empty();
}

// "[CPU] TIME: EVENT: BODY", with -F +period and +flags "[CPU] TIME: PERIOD FLAGS EVENT: BODY".
bool parse_place(std::string_view text, PerfLine& line) {
  const std::size_t close = text.find(']');
  if (close == text.npos) return false;
  const auto cpu = number<std::uint32_t>(text.substr(1, close - 1));
  line.rest = text.substr(close + 1);
  const std::string_view stamp = take_word(line.rest);
  if (!cpu || *cpu >= kMostCpus || !stamp.ends_with(':')) return false;
  const auto time = seconds(stamp.substr(0, stamp.size() - 1));
  line.cpu = *cpu;
  line.ns = time.value_or(0);
  line.rest = trim(line.rest);
  std::string_view behind = line.rest;
  if (const auto period = take_digits(behind); !period.empty() && behind.starts_with(' '))
    line.rest = trim(behind);
  return time.has_value();
}

// A blank ends a comm that perf has padded.
bool parse_line(std::string_view text, PerfLine& line) {
  return parse_at_cpu(text, ' ', [&line](std::string_view task, std::string_view place) {
    return parse_place(place, line) && parse_perf_task(task, line);
  });
}

}  // namespace

bool PerfText::looks_like(std::string_view text) {
  PerfLine line;
  if (!parse_line(text, line)) return false;
  // Without a pid it may be ftrace's "COMM-PID".
  return line.tid != kUnknownPid || line.comm.ends_with(" -1") || line.comm.find('-') == line.comm.npos;
}

// "PERF_RECORD_LOST lost 12", of --show-lost-events, and what perf itself says of the whole:
// "Processed 95 events and lost 2 chunks!".
bool PerfText::lost(std::string_view text, Event& event) const {
  const std::size_t at = text.find("lost ");
  if (text.find("PERF_RECORD_LOST") == text.npos && !(text.starts_with("Processed ") && at != text.npos))
    return false;
  event.kind = Kind::lost;
  if (at != text.npos && text.starts_with("PERF_RECORD_LOST")) {
    std::string_view rest = text.substr(at + 5);
    event.count = number<std::uint64_t>(take_digits(rest)).value_or(0);
  }
  return true;
}

// The head of a line has the pid as perf's own pid namespace knows it, the tracepoint the kernel's: where
// both speak of the same task, they tell whether those are two.
void PerfText::settle_namespace(std::int32_t head, Event& event) {
  const bool same_task = event.kind == Kind::switched || event.kind == Kind::exec ||
                         event.kind == Kind::exit || (event.kind == Kind::fork && event.pid != kUnknownPid);
  if (head != kUnknownPid && same_task && head != event.pid) foreign_pids_ = true;
  if (!foreign_pids_) return;
  event.tgid = 0;
  if (!same_task) event.pid = kUnknownPid;
}

bool PerfText::next(Event& event) {
  for (std::string_view text; lines_.next(text);) {
    event = {};
    const std::string_view bare = trim(text);
    if (bare.empty()) in_chain_ = false;
    if (text.starts_with('#') || bare.empty()) continue;
    PerfLine line;
    if (text.starts_with('\t') || !parse_line(text, line)) {
      if (lost(bare, event)) return true;
      // Call chains follow their event indented, as "address symbol (file)", with source lines between.
      if (text.starts_with('\t') || text.starts_with("                ")) in_chain_ = true;
      if (in_chain_ || bare.starts_with("Check IO/CPU overload!") || bare.starts_with("Warning:")) continue;
      const std::string foreign = foreign_line(text);
      if (!foreign.empty()) lines_.fail(foreign);
      lines_.fail("not 'COMM TID [CPU] TIME: EVENT: ...', as perf script prints it");
    }
    in_chain_ = false;
    event.cpu = line.cpu;
    event.time_ns = line.ns;
    event.pid = line.tid;
    event.tgid = line.pid;
    // ":TID", where perf does not know it.
    if (!line.comm.starts_with(':')) event.comm = Comm(line.comm);
    if (lost(line.rest, event)) return true;
    if (parse_event(line.rest, lines_, event)) settle_namespace(line.tid, event);
    return true;
  }
  return false;
}

}  // namespace mmscale::trace
