// SPDX-License-Identifier: MIT
#include "trace/ftrace_text.h"

#include "trace/foreign.h"
#include "trace/text_fields.h"

namespace mmscale::trace {
namespace {

// Where the CPU of an event's line stands at most.
constexpr std::size_t kMostHead = 128;

// An event's line, taken apart.
struct FtraceLine {
  std::string_view comm;
  std::int32_t pid = 0;
  std::int32_t tgid = 0;
  std::uint32_t cpu = 0;
  std::uint64_t ns = 0;
  // The word behind which `ns` is; of the latency format, which is relative, "0.0".
  std::string_view stamp;
  // "EVENT: BODY".
  std::string_view rest;
};

bool take_cpu(std::string_view digits, FtraceLine& line) {
  const auto cpu = number<std::uint32_t>(digits);
  line.cpu = cpu.value_or(0);
  return cpu && *cpu < kMostCpus;
}

// "[CPU] FLAGS TIME: EVENT: BODY", the flags left out by old kernels and trace-cmd.
bool parse_place(std::string_view text, const Stamps& stamps, FtraceLine& line) {
  const std::size_t close = text.find(']');
  if (close == text.npos || !take_cpu(text.substr(1, close - 1), line)) return false;
  line.rest = text.substr(close + 1);
  for (int words = 0; words < 2; ++words) {
    std::string_view word = take_word(line.rest);
    if (!word.ends_with(':')) continue;
    word.remove_suffix(1);
    line.stamp = word;
    return stamps.read(word, line.ns);
  }
  return false;
}

// "COMM-PID" or "COMM-PID (TGID)".
bool parse_task(std::string_view text, FtraceLine& line) {
  text = trim(text);
  line.tgid = 0;
  if (text.ends_with(')')) {
    const std::size_t open = text.rfind('(');
    if (open == text.npos) return false;
    // "(-------)" where the tgid is not known.
    line.tgid = pid_number(trim(text.substr(open + 1, text.size() - open - 2))).value_or(0);
    text = trim(text.substr(0, open));
  }
  const std::size_t dash = text.rfind('-');
  if (dash == text.npos) return false;
  const auto pid = pid_number(text.substr(dash + 1));
  line.pid = pid.value_or(0);
  line.comm = text.substr(0, dash);
  return pid.has_value();
}

// "TASK-PID (TGID) [CPU] FLAGS TIME: EVENT: BODY". A dash ends a comm that the kernel has padded.
bool parse_usual(std::string_view text, const Stamps& stamps, FtraceLine& line) {
  return parse_at_cpu(text, '-', [&](std::string_view task, std::string_view place) {
    return parse_place(place, stamps, line) && parse_task(task, line);
  });
}

// "NUMBERus" and a character that marks delays, of the kernel's latency format: since the first event.
bool parse_latency_stamp(FtraceLine& line) {
  std::string_view rest = line.rest;
  const auto us = number<std::uint64_t>(take_digits(rest));
  if (!us || *us > UINT64_MAX / 1000 || !take(rest, "us") || rest.size() < 3 || rest.substr(1, 2) != ": ")
    return false;
  line.ns = *us * 1000;
  line.stamp = "0.0";
  line.rest = rest.substr(3);
  return true;
}

// "TASK-PID CPUFLAGS TIME: EVENT: BODY", the comm cut to 8 characters: the latency format of the kernel, and
// of trace-cmd report -l, which keeps the seconds.
bool parse_latency(std::string_view text, const Stamps& stamps, FtraceLine& line) {
  for (std::size_t dash = text.find('-'); dash <= kMostHead; dash = text.find('-', dash + 1)) {
    std::string_view rest = text.substr(dash + 1);
    const auto pid = pid_number(take_word(rest));
    if (!pid) continue;
    std::string_view flags = take_word(rest);
    constexpr std::size_t kFewestFlags = 4;
    constexpr std::size_t kMostFlags = 8;
    if (!take_cpu(take_digits(flags), line) || flags.size() < kFewestFlags || flags.size() > kMostFlags)
      continue;
    line.pid = *pid;
    line.comm = trim(text.substr(0, dash));
    line.rest = rest.substr(std::min(rest.size(), rest.find_first_not_of(' ')));
    if (parse_latency_stamp(line)) return true;
    std::string_view word = take_word(line.rest);
    if (!word.ends_with(':')) continue;
    word.remove_suffix(1);
    line.stamp = word;
    if (stamps.read(word, line.ns)) return true;
  }
  return false;
}

bool parse_line(std::string_view text, const Stamps& stamps, FtraceLine& line) {
  return parse_usual(text, stamps, line) || parse_latency(text, stamps, line);
}

// "KEPT/WRITTEN": how many are missing.
std::uint64_t overwritten(std::string_view counts, char sign) {
  const std::size_t slash = counts.find('/');
  take(counts, std::string_view(&sign, 1));
  if (slash == counts.npos) return 0;
  const std::string_view kept_digits = take_digits(counts);
  const auto kept = number<std::uint64_t>(kept_digits);
  counts.remove_prefix(std::min<std::size_t>(1, counts.size()));
  const auto written = number<std::uint64_t>(take_digits(counts));
  return kept && written && *written > *kept ? *written - *kept : 0;
}

// "# entries-in-buffer/entries-written: 663/1000   #P:8", in the latency format "# latency: 0 us, #663/1000,
// CPU#0 | ...": what is not in the buffer was overwritten.
bool parse_comment(std::string_view line, Event& event) {
  constexpr std::string_view kEntries = "entries-in-buffer/entries-written:";
  constexpr std::string_view kLatency = "# latency: ";
  if (const std::size_t at = line.find(kEntries); at != line.npos) {
    std::string_view rest = line.substr(at + kEntries.size());
    event.count = overwritten(take_word(rest), '#');
  } else if (line.starts_with(kLatency)) {
    event.count = overwritten(line.substr(std::min(line.size(), line.find(", #") + 2)), '#');
  }
  event.kind = Kind::lost;
  return event.count != 0;
}

// "CPU:3 [LOST 12 EVENTS]", "CPU:3 [12 EVENTS DROPPED]", "CPU:3 [EVENTS DROPPED]".
bool parse_lost(std::string_view line, Event& event) {
  if (!take(line, "CPU:")) return false;
  const auto cpu = number<std::uint32_t>(take_word(line));
  line = trim(line);
  if (!cpu || *cpu >= kMostCpus || !take(line, "[") ||
      (line.find("LOST") == line.npos && line.find("DROPPED") == line.npos))
    return false;
  take(line, "LOST ");
  event.kind = Kind::lost;
  event.cpu = *cpu;
  event.count = number<std::uint64_t>(take_digits(line)).value_or(0);
  return true;
}

// "version = 7", "cpus=2": trace-cmd report's head.
bool report_head(std::string_view line) {
  for (const std::string_view name : {"version = ", "cpus="})
    if (std::string_view rest = line; take(rest, name) && !take_digits(rest).empty() && rest.empty())
      return true;
  return false;
}

// What stands between events and says nothing: stack traces, notes that a CPU's buffer begins or is empty.
bool says_nothing(std::string_view text) {
  for (const std::string_view begin : {"=>", "<stack trace", "<user stack trace", "##### CPU"})
    if (text.starts_with(begin)) return true;
  if (!take(text, "CPU")) return false;
  const bool report = text.ends_with(" is empty") || text.ends_with(" EMPTY");
  return report || text.find("[SUBBUFFER START]") != text.npos;
}

// atrace's words before the trace.
bool atrace_head(std::string_view text) {
  for (const std::string_view begin : {"TRACE:", "capturing trace", "atrace: ", "done"})
    if (text.starts_with(begin)) return true;
  return false;
}

}  // namespace

bool FtraceText::looks_like(std::string_view text) {
  FtraceLine line;
  Event event;
  const std::string_view bare = trim(text);
  return bare.starts_with("# tracer:") || report_head(bare) || atrace_head(bare) || says_nothing(bare) ||
         parse_lost(bare, event) || parse_line(text, Stamps({}), line);
}

// A line that is no event of a task; true if it says something all the same.
bool FtraceText::note(std::string_view text, Event& event) {
  const std::string_view bare = trim(text);
  if (bare.empty()) return false;
  if (bare.starts_with('#') && parse_comment(bare, event)) return true;
  if (parse_lost(bare, event)) return true;
  if (report_head(bare)) report_ = true;
  if (bare.starts_with('#') || report_head(bare) || says_nothing(bare) || (!begun_ && atrace_head(bare)) ||
      (begun_ && may_continue_))
    return false;
  const std::string foreign = foreign_line(text);
  if (!foreign.empty()) lines_.fail(foreign);
  lines_.fail(
      "not 'TASK-PID [CPU] FLAGS TIME: EVENT: ...', as the kernel's trace file and trace-cmd report have it, "
      "nor 'COMM TID [CPU] TIME: EVENT: ...', as perf script has it");
}

bool FtraceText::next(Event& event) {
  for (std::string_view text; lines_.next(text);) {
    event = {};
    FtraceLine line;
    if (text.starts_with('#') || !parse_line(text, stamps_, line)) {
      if (note(text, event)) return true;
      continue;
    }
    if (const char* wrong = stamps_.accept(line.stamp)) lines_.fail(wrong);
    // trace-cmd report puts an instance's name before its events: longer than any comm.
    constexpr std::size_t kMostComm = 15;
    if (line.comm.size() > kMostComm && line.comm.find(": ") != line.comm.npos)
      lines_.fail(
          "of several buffers, which have events of their own: give the trace.dat itself, or take one buffer "
          "(trace-cmd split -B NAME)");
    begun_ = true;
    event.cpu = line.cpu;
    event.pid = line.pid;
    event.tgid = line.tgid;
    event.time_ns = line.ns;
    // "<idle>", and "<...>" where the kernel has forgotten.
    if (!line.comm.starts_with('<')) event.comm = Comm(line.comm);
    std::string_view rest = trim(line.rest);
    // trace-cmd report --ts-diff: how long ago the event before was.
    if (rest.starts_with("(+")) rest = trim(rest.substr(std::min(rest.size(), rest.find(')') + 1)));
    may_continue_ = !parse_event(rest, lines_, event);
    return true;
  }
  return false;
}

}  // namespace mmscale::trace
