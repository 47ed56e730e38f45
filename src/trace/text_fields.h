// SPDX-License-Identifier: MIT
//
// What ftrace's text and perf script's have in common: numbers, time stamps, and what an event prints about
// itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "measure/text_file.h"
#include "topology/text.h"
#include "trace/event.h"
#include "trace/lines.h"

namespace mmscale::trace {

using topology::number;

// A pid from 0 to kMostPid.
std::optional<std::int32_t> pid_number(std::string_view text);

// What stands before the decimals. No kernel writes a comma; what has been through a tool that minds the locale may.
inline constexpr std::string_view kDecimalPoints = ".,";

// "123.456789" with up to nine decimals, in ns.
std::optional<std::uint64_t> seconds(std::string_view text);

// Whether an event's line can be taken apart: parse(text, bracket) at one of the places of "[CPU]". A comm may contain
// brackets, even what looks like all that follows it; it is padded to 16 characters, so that `mark` there says where it
// ends.
template <class Parse>
bool parse_at_cpu(std::string_view text, char mark, Parse&& parse) {
  // Where the CPU stands at most, and where the mark does.
  constexpr std::size_t kMostHead = 128, kPadded = 16;
  const auto from = [&](std::size_t first) {
    for (std::size_t at = text.find('[', first); at <= kMostHead; at = text.find('[', at + 1))
      if (parse(text.substr(0, at), text.substr(at))) return true;
    return false;
  };
  return (text.size() > kPadded && text[kPadded] == mark && from(kPadded)) || from(0);
}

// Takes the blanks off the front, then the first word.
inline std::string_view take_word(std::string_view& text) { return measure::next_word(text); }
inline std::string_view trim(std::string_view text) { return measure::trimmed(text); }
// Takes `literal` off the front if it is there.
bool take(std::string_view& text, std::string_view literal);
// Takes the decimal digits off the front.
std::string_view take_digits(std::string_view& text);

// The letter that stands for a prev_state given as a number.
char state_letter(std::uint64_t state);

// Whether an event of that name (its system's name before a colon is skipped) says something about tasks.
bool knows_event(std::string_view name);
// The same of "EVENT: BODY", and fills in what such an event prints behind its name: kind, pids, comms, flags; `lines` fails
// where that is wrong. Knows the kernel's own form since 2.6.31, that of its option `fields`, and libtraceevent's with and
// without its plugin (trace-cmd report, -R, -N). What stands before the event's name (perf script -F) is skipped.
bool parse_event(std::string_view text, const LineReader& lines, Event& event);

}  // namespace mmscale::trace
