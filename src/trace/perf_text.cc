// SPDX-License-Identifier: MIT
#include "trace/perf_text.h"

#include "trace/text_fields.h"

namespace mmscale::trace {
namespace {

// "comm tid [cpu] time: event: body", with -F +pid "comm pid/tid".
bool parse_head(std::string_view line, std::size_t bracket, Event& event, std::string_view& rest) {
  const std::size_t close = line.find(']', bracket);
  if (close == line.npos) return false;
  const auto cpu = number<std::uint32_t>(line.substr(bracket + 1, close - bracket - 1));
  rest = line.substr(close + 1);
  const std::string_view stamp = take_word(rest);
  const std::string_view task = trim(line.substr(0, bracket));
  const std::size_t blank = task.find_last_of(" \t");
  if (!cpu || *cpu >= kMostCpus || !stamp.ends_with(':') || blank == task.npos) return false;
  const auto time = seconds(stamp.substr(0, stamp.size() - 1));
  std::string_view tid = task.substr(blank + 1);
  if (const std::size_t slash = tid.find('/'); slash != tid.npos) {
    event.tgid = pid_number(tid.substr(0, slash)).value_or(0);
    tid.remove_prefix(slash + 1);
  }
  const auto pid = pid_number(tid);
  if (!time || !pid) return false;
  event.cpu = *cpu;
  event.time_ns = *time;
  event.pid = *pid;
  event.comm = Comm(trim(task.substr(0, blank)));
  return true;
}

bool parse_any_head(std::string_view line, Event& event, std::string_view& rest) {
  for (std::size_t at = line.find('['); at != line.npos; at = line.find('[', at + 1))
    if (parse_head(line, at, event, rest)) return true;
  return false;
}

}  // namespace

bool PerfText::looks_like(std::string_view line) {
  Event event;
  std::string_view rest;
  return parse_any_head(line, event, rest);
}

bool PerfText::next(Event& event) {
  for (std::string_view line; lines_.next(line);) {
    event = {};
    if (line.starts_with('#') || trim(line).empty()) continue;
    std::string_view rest;
    if (!parse_any_head(line, event, rest)) {
      // Call chains follow their event indented, as "address symbol (file)".
      if (line.starts_with('\t') || line.starts_with("                ")) continue;
      lines_.fail("not 'COMM TID [CPU] TIME: EVENT: ...', as perf script prints it");
    }
    if (rest.find("PERF_RECORD_LOST") != rest.npos) {
      event.kind = Kind::lost;
      return true;
    }
    rest = trim(rest);
    const std::size_t colon = rest.find(": ");
    if (colon == rest.npos) return true;
    if (const char* wrong = parse_body(rest.substr(0, colon), trim(rest.substr(colon + 2)), event))
      lines_.fail(wrong);
    return true;
  }
  return false;
}

}  // namespace mmscale::trace
