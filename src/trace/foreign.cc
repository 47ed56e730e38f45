// SPDX-License-Identifier: MIT
#include "trace/foreign.h"

#include <fmt/format.h>

#include "trace/text_fields.h"

namespace mmscale::trace {
namespace {

struct Magic {
  std::string_view bytes;
  std::string_view what;
};

using namespace std::string_view_literals;

constexpr std::string_view kUnpack = "unpack it first: of packed files only gzip's are read";
constexpr std::string_view kRecordText =
    "take the text: trace-cmd report, perf script, or /sys/kernel/tracing/trace";

constexpr Magic kMagics[] = {
    {"PERFILE2"sv, "perf.data itself; run 'perf script -F +pid -i FILE' and give its output"},
    {"PERFFILE"sv,
     "perf.data of an old perf; run 'perf script -i FILE' of the same perf and give its output"},
    {"\x1f\x9d"sv, kUnpack},
    {"\xfd"
     "7zXZ"sv,
     kUnpack},
    {"\x28\xb5\x2f\xfd"sv, kUnpack},
    {"BZh"sv, kUnpack},
    {"\x04\x22\x4d\x18"sv, kUnpack},
    {"PK\x03\x04"sv, kUnpack},
    {"\xc1\x1f\xfc\xc1"sv, "a CTF stream, as LTTng and 'perf data convert' write; it cannot be read"},
    {"\xc1\xfc\x1f\xc1"sv, "a CTF stream, as LTTng and 'perf data convert' write; it cannot be read"},
    {"\xff\xfe"sv, "UTF-16, as PowerShell redirects text; save it as UTF-8"},
    {"\xfe\xff"sv, "UTF-16, as PowerShell redirects text; save it as UTF-8"},
    {"\x7f"
     "ELF"sv,
     "a program, not a trace"},
    {"<!DOCTYPE"sv, "an HTML page, as systrace writes; record with 'atrace -o FILE' or take the text in it"},
    {"<html"sv, "an HTML page, as systrace writes; record with 'atrace -o FILE' or take the text in it"},
    {"{"sv, "JSON; ftrace text, trace.dat, perf script's output and mmscale record's files are read"},
    {"[{"sv, "JSON; ftrace text, trace.dat, perf script's output and mmscale record's files are read"},
};

// Whether `text` begins with so many words that are numbers of that base.
bool numbers(std::string_view text, int words, int base) {
  for (int i = 0; i < words; ++i)
    if (!number<std::uint64_t>(take_word(text), base)) return false;
  return true;
}

}  // namespace

std::string foreign_bytes(std::string_view head) {
  for (const Magic& magic : kMagics)
    if (head.starts_with(magic.bytes)) return std::string(magic.what);
  // A field of the protobuf's first message: Trace.packet, its length, and in it a varint field.
  if (head.size() > 3 && head.front() == '\n' && head.find_first_not_of("\n\r\t\x20") == head.npos) return {};
  if (head.size() > 3 && head.front() == '\n' && static_cast<unsigned char>(head[1]) >= 0x80)
    return fmt::format("binary, perhaps a Perfetto trace; {}", kRecordText);
  for (const char c : head)
    if (c == '\0') return fmt::format("binary of an unknown kind; {}", kRecordText);
  return {};
}

std::string foreign_line(std::string_view line) {
  const std::string_view text = trim(line);
  std::string_view rest = text;
  const std::string_view first = take_word(rest);
  if (line.starts_with("\x78\x9c") || line.starts_with("\x78\xda") || line.starts_with("\x78\x01"))
    return "packed by 'atrace -z': record without -z";
  if (text.find(" type: ") != text.npos && (numbers(text, 3, 10) || numbers(text, 3, 16)))
    return "printed with trace option raw or hex: switch it off (echo 0 > options/raw) and read the trace "
           "again";
  if (text.find("ms (+") != text.npos || text.find("us (+") != text.npos)
    return "latency format with option verbose: switch it off (echo 0 > options/verbose) and read the trace "
           "again";
  if (first.ends_with(':') && knows_event(first.substr(0, first.size() - 1)))
    return "no task, CPU and time before the event: switch trace option context-info on, or print them by "
           "'perf script -F +comm,+tid,+cpu,+time'";
  if (text.find(": cpus=") != text.npos)
    return "several files in one report: run trace-cmd report for one at a time";
  if (text.find(")  ") != text.npos && text.find('|') != text.npos)
    return "of tracer function_graph: echo nop > current_tracer and enable the scheduler's events";
  if (text.find("sched_switch: ") != text.npos && text.find('[') == text.npos)
    return "no CPU: print it by 'perf script -F +cpu', or switch trace option context-info on";
  if (const std::size_t close = text.find(']'); close != text.npos) {
    rest = text.substr(close + 1);
    const std::string_view word = take_word(rest);
    if (word.ends_with(':') && knows_event(word.substr(0, word.size() - 1)))
      return "no time before the event: print it by 'perf script -F +time'";
  }
  if (text.starts_with("{") || text.starts_with("["))
    return "JSON or another program's text, not ftrace's or perf script's";
  if (text.starts_with("time") && text.find("task name") != text.npos)
    return "of perf sched timehist: run 'perf script -F +pid' and give its output";
  return {};
}

}  // namespace mmscale::trace
