// SPDX-License-Identifier: MIT
#include "trace/ftrace_text.h"

#include "trace/text_fields.h"

namespace mmscale::trace {
namespace {

// "[cpu] flags time: event: body" behind `line`'s character `bracket`, the flags left out by old kernels.
bool parse_place(std::string_view line, std::size_t bracket, Event& event, std::string_view& rest) {
  const std::size_t close = line.find(']', bracket);
  if (close == line.npos) return false;
  const auto cpu = number<std::uint32_t>(line.substr(bracket + 1, close - bracket - 1));
  if (!cpu || *cpu >= kMostCpus) return false;
  rest = line.substr(close + 1);
  for (int words = 0; words < 2; ++words) {
    const std::string_view word = take_word(rest);
    if (!word.ends_with(':')) continue;
    const auto time = seconds(word.substr(0, word.size() - 1));
    if (!time) return false;
    event.cpu = *cpu;
    event.time_ns = *time;
    return true;
  }
  return false;
}

// "comm-pid" or "comm-pid (tgid)".
bool parse_task(std::string_view text, Event& event) {
  text = trim(text);
  if (text.ends_with(')')) {
    const std::size_t open = text.rfind('(');
    if (open == text.npos) return false;
    // "(-------)" where the tgid is not known.
    if (const auto tgid = pid_number(trim(text.substr(open + 1, text.size() - open - 2)))) event.tgid = *tgid;
    text = trim(text.substr(0, open));
  }
  const std::size_t dash = text.rfind('-');
  if (dash == text.npos) return false;
  const auto pid = pid_number(text.substr(dash + 1));
  if (!pid) return false;
  event.pid = *pid;
  const std::string_view comm = text.substr(0, dash);
  // "<...>": the kernel has forgotten.
  if (!comm.starts_with('<')) event.comm = Comm(comm);
  return true;
}

}  // namespace

// "# entries-in-buffer/entries-written: 663/1000   #P:8": what is not in the buffer was overwritten.
bool FtraceText::comment(std::string_view line, Event& event) {
  constexpr std::string_view kEntries = "entries-in-buffer/entries-written:";
  const std::size_t at = line.find(kEntries);
  if (at == line.npos) return false;
  std::string_view rest = line.substr(at + kEntries.size());
  const std::string_view entries = take_word(rest);
  const std::size_t slash = entries.find('/');
  const auto kept = number<std::uint64_t>(entries.substr(0, slash));
  const auto written =
      slash == entries.npos ? std::nullopt : number<std::uint64_t>(entries.substr(slash + 1));
  if (!kept || !written || *written <= *kept) return false;
  event.kind = Kind::lost;
  event.count = *written - *kept;
  return true;
}

// "CPU:3 [LOST 12 EVENTS]"
bool FtraceText::lost(std::string_view line, Event& event) {
  if (!line.starts_with("CPU:")) return false;
  std::string_view rest = line.substr(4);
  const auto cpu = number<std::uint32_t>(take_word(rest));
  rest = trim(rest);
  if (!cpu || *cpu >= kMostCpus || !rest.starts_with("[LOST ")) return false;
  rest.remove_prefix(6);
  event.kind = Kind::lost;
  event.cpu = *cpu;
  event.count = number<std::uint64_t>(take_word(rest)).value_or(0);
  return true;
}

bool FtraceText::next(Event& event) {
  for (std::string_view line; lines_.next(line);) {
    event = {};
    if (line.starts_with('#')) {
      if (comment(line, event)) return true;
      continue;
    }
    const std::string_view text = trim(line);
    // Stack traces, and the note that another CPU's buffer begins.
    if (text.empty() || text.starts_with("=>") || text.starts_with("<stack trace>") ||
        text.starts_with("##### CPU"))
      continue;
    if (lost(text, event)) return true;
    // A comm may contain brackets: the first place that makes sense is the one.
    std::string_view rest;
    bool placed = false;
    for (std::size_t at = line.find('['); at != line.npos && !placed; at = line.find('[', at + 1))
      placed = parse_place(line, at, event, rest) && parse_task(line.substr(0, at), event);
    if (!placed)
      lines_.fail("not 'TASK-PID [CPU] FLAGS TIME: EVENT: ...', as the kernel's trace file has it");
    rest = trim(rest);
    const std::size_t colon = rest.find(": ");
    // A function tracer's line or an event that prints nothing.
    if (colon == rest.npos) return true;
    if (const char* wrong = parse_body(rest.substr(0, colon), rest.substr(colon + 2), event))
      lines_.fail(wrong);
    return true;
  }
  return false;
}

}  // namespace mmscale::trace
