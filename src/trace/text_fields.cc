// SPDX-License-Identifier: MIT
#include "trace/text_fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace mmscale::trace {
namespace {

constexpr std::string_view kBlanks = " \t";

// A number at the front, hexadecimal behind "0x"; option `fields` prints it both ways, "0x3dd6 (15830)" or
// "15830 (0x3dd6)".
std::optional<std::int64_t> take_integer(std::string_view& text) {
  const bool hex = text.starts_with("0x");
  const std::string_view digits = text.substr(hex ? 2 : 0);
  std::uint64_t bits = 0;
  std::int64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [behind, error] =
      hex ? std::from_chars(digits.data(), end, bits, 16) : std::from_chars(digits.data(), end, value);
  if (error != std::errc()) return std::nullopt;
  text = digits.substr(static_cast<std::size_t>(behind - digits.data()));
  if (text.starts_with(" (")) {
    const std::size_t close = text.find(')');
    if (close == text.npos) return std::nullopt;
    text.remove_prefix(close + 1);
  }
  return hex ? static_cast<std::int64_t>(bits) : value;
}

std::optional<std::int32_t> take_pid(std::string_view& text) {
  const auto value = take_integer(text);
  return value && *value >= 0 && *value <= kMostPid ? std::optional(static_cast<std::int32_t>(*value))
                                                    : std::nullopt;
}

// At the end, or where the next field begins.
bool at_field(std::string_view text) { return text.empty() || kBlanks.find(text.front()) != kBlanks.npos; }

// Tries every place of `mark` where a comm may end, the first one first: a comm may contain anything, also
// what looks like the fields behind it, but not all of them. `rest_fits(comm, rest)` says which one it is.
template <class Fits>
bool split_at(std::string_view text, std::string_view mark, Fits&& rest_fits) {
  // Four times what a comm has: the kernel escapes nothing, but who knows what has been through an editor.
  constexpr std::size_t kMost = 64;
  for (std::size_t at = text.find(mark); at <= kMost; at = text.find(mark, at + 1))
    if (rest_fits(text.substr(0, at), text.substr(at + mark.size()))) return true;
  return false;
}

// The number behind the last `mark`, which only fields that are numbers follow.
std::optional<std::int32_t> last_pid(std::string_view body, std::string_view mark) {
  const std::size_t at = body.rfind(mark);
  if (at == body.npos) return std::nullopt;
  std::string_view rest = body.substr(at + mark.size());
  const auto pid = take_pid(rest);
  return at_field(rest) ? pid : std::nullopt;
}

// "C", "R+", "D|W" as the kernel prints it, or a number: -R and `fields` print it so.
char state_of(std::string_view word) {
  std::string_view rest = word;
  if (const auto value = take_integer(rest); value && rest.empty())
    return state_letter(static_cast<std::uint64_t>(*value));
  // TASK_NOLOAD beside TASK_UNINTERRUPTIBLE, before 4.14 had a letter for it.
  if (word.find('D') != word.npos && word.find('N') != word.npos) return kStateIdle;
  return word.empty() ? '\0' : word.front();
}

// "prev_comm=C prev_pid=N prev_prio=N prev_state=S ==> next_comm=C next_pid=N next_prio=N"; without the arrow
// in -R and `fields`.
bool switch_by_fields(std::string_view body, Event& event) {
  if (!take(body, "prev_comm=")) return false;
  return split_at(body, " prev_pid=", [&](std::string_view comm, std::string_view rest) {
    const auto pid = take_pid(rest);
    if (!pid || (take(rest, " prev_prio=") && !take_integer(rest)) || !take(rest, " prev_state="))
      return false;
    const std::string_view state = rest.substr(0, rest.find(' '));
    rest.remove_prefix(state.size());
    // Of option `fields`: the number once more.
    if (rest.starts_with(" (")) rest.remove_prefix(std::min(rest.size(), rest.find(')') + 1));
    take(rest, " ==>");
    if (!take(rest, " next_comm=")) return false;
    const auto next = last_pid(rest, " next_pid=");
    if (!next) return false;
    event.pid = *pid;
    event.other = *next;
    event.comm = Comm(comm);
    event.other_comm = Comm(rest.substr(0, rest.rfind(" next_pid=")));
    event.state = state_of(state);
    return true;
  });
}

// "C:PID [PRIO] S ==> C:PID [PRIO]", as libtraceevent's plugin prints it; "task C:PID [PRIO] (S) ==> ...", as
// the kernel did before 2.6.35.
bool switch_by_plugin(std::string_view body, Event& event) {
  const bool old = take(body, "task ");
  return split_at(body, ":", [&](std::string_view comm, std::string_view rest) {
    const auto pid = take_pid(rest);
    if (!pid || !take(rest, " [") || !take_integer(rest) || !take(rest, "] ")) return false;
    std::string_view state = take_word(rest);
    if (old && state.starts_with('(')) state = state.substr(1, state.find(')') - 1);
    if (!take(rest, " ==> ")) return false;
    const std::size_t colon = rest.rfind(':', rest.rfind(" ["));
    if (colon == rest.npos) return false;
    std::string_view tail = rest.substr(colon + 1);
    const auto next = take_pid(tail);
    if (!next || !tail.starts_with(" [")) return false;
    event.pid = *pid;
    event.other = *next;
    event.comm = Comm(comm);
    event.other_comm = Comm(rest.substr(0, colon));
    // The plugin has the letters of 2.6: a W alone is the bit that is TASK_REPORT_IDLE since 4.14.
    event.state = !old && state == "W" ? kStateIdle : state_of(state);
    return true;
  });
}

const char* parse_switch(std::string_view body, Event& event) {
  event.kind = Kind::switched;
  return switch_by_fields(body, event) || switch_by_plugin(body, event) ? nullptr
                                                                        : "sched_switch without its pids";
}

// "pid=N comm=C clone_flags=HEX oom_score_adj=N"
const char* parse_newtask(std::string_view body, Event& event) {
  event.kind = Kind::newtask;
  constexpr std::string_view kFlags = " clone_flags=";
  const bool with_pid = take(body, "pid=");
  const auto child = take_pid(body);
  const bool named = take(body, " comm=");
  const std::size_t at = body.rfind(kFlags);
  if (!with_pid || !child || *child == 0 || !named || at == body.npos)
    return "task_newtask without pid or clone_flags";
  event.other_comm = Comm(body.substr(0, at));
  std::string_view digits = body.substr(at + kFlags.size());
  digits = digits.substr(0, digits.find_first_of(kBlanks));
  take(digits, "0x");
  const auto bits = number<std::uint64_t>(digits, 16);
  if (!bits) return "task_newtask: clone_flags is no hexadecimal number";
  event.other = *child;
  event.flags = *bits;
  return nullptr;
}

// "comm=C pid=N child_comm=C child_pid=N", with parent_ before the first two in -R; "parent C:PID  child
// C:PID" before 2.6.35.
const char* parse_fork(std::string_view body, Event& event) {
  event.kind = Kind::fork;
  constexpr const char* kWrong = "sched_process_fork without child_pid";
  const bool old = body.starts_with("parent ");
  const auto child = last_pid(body, old ? ":" : " child_pid=");
  if (!child || *child == 0) return kWrong;
  event.other = *child;
  if (old || !(take(body, "comm=") || take(body, "parent_comm="))) return nullptr;
  const auto parent = [&](std::string_view, std::string_view rest) {
    const auto pid = take_pid(rest);
    if (!pid || !rest.starts_with(" child_comm=")) return false;
    event.pid = *pid;
    return true;
  };
  return split_at(body, " pid=", parent) || split_at(body, " parent_pid=", parent) ? nullptr : kWrong;
}

// "filename=F pid=N old_pid=N"
const char* parse_exec(std::string_view body, Event& event) {
  event.kind = Kind::exec;
  const auto old_pid = last_pid(body, " old_pid=");
  const std::string_view front = body.substr(0, body.rfind(" old_pid="));
  const auto pid = last_pid(front, " pid=");
  if (!pid || !old_pid || *pid == 0) return "sched_process_exec without pid or old_pid";
  event.pid = *pid;
  event.other = *old_pid;
  std::string_view path = front.substr(0, front.rfind(" pid="));
  event.comm = take(path, "filename=") ? executed_name(path) : Comm();
  return nullptr;
}

// "comm=C pid=N prio=N", "task C:PID [PRIO]" before 2.6.35.
const char* parse_exit(std::string_view body, Event& event) {
  event.kind = Kind::exit;
  const std::string_view mark = take(body, "task ") ? ":" : " pid=";
  const auto pid = last_pid(body, mark);
  if (!pid) return "sched_process_exit without pid";
  event.pid = *pid;
  std::string_view comm = body.substr(0, body.rfind(mark));
  take(comm, "comm=");
  event.comm = Comm(comm);
  return nullptr;
}

const char* parse_csd(std::string_view body, Event& event) {
  event.kind = Kind::ipi;
  const std::size_t at = body.rfind("func=");
  if (at == body.npos) return "csd_queue_cpu without func";
  const std::string_view function = body.substr(at + 5);
  event.call = call_of(function.substr(0, function.find_first_of("+ ")));
  return nullptr;
}

using Parse = const char* (*)(std::string_view, Event&);
constexpr std::array<std::pair<std::string_view, Parse>, 6> kEvents{{{"sched_switch", parse_switch},
                                                                     {"task_newtask", parse_newtask},
                                                                     {"sched_process_fork", parse_fork},
                                                                     {"sched_process_exec", parse_exec},
                                                                     {"sched_process_exit", parse_exit},
                                                                     {"csd_queue_cpu", parse_csd}}};

Parse parser_of(std::string_view name) {
  if (const std::size_t colon = name.rfind(':'); colon != name.npos) name.remove_prefix(colon + 1);
  for (const auto& [known, parse] : kEvents)
    if (name == known) return parse;
  return nullptr;
}

}  // namespace

std::optional<std::int32_t> pid_number(std::string_view text) {
  const auto value = number<std::int32_t>(text);
  return value && *value >= 0 && *value <= kMostPid ? value : std::nullopt;
}

std::optional<std::uint64_t> seconds(std::string_view text) {
  // So that the sum below cannot overflow: 2^63 ns are 292 years.
  constexpr std::uint64_t kMost = 9'000'000'000;
  const std::size_t point = text.find_first_of(kDecimalPoints);
  const auto whole = number<std::uint64_t>(text.substr(0, point));
  if (!whole || *whole > kMost) return std::nullopt;
  std::uint64_t ns = 0;
  if (point != text.npos) {
    std::string_view decimals = text.substr(point + 1);
    const auto fraction = number<std::uint64_t>(decimals);
    if (!fraction || decimals.size() > 9) return std::nullopt;
    ns = *fraction;
    for (std::size_t i = decimals.size(); i < 9; ++i) ns *= 10;
  }
  return *whole * 1'000'000'000 + ns;
}

bool take(std::string_view& text, std::string_view literal) {
  if (!text.starts_with(literal)) return false;
  text.remove_prefix(literal.size());
  return true;
}

std::string_view take_digits(std::string_view& text) {
  const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789"));
  text.remove_prefix(digits.size());
  return digits;
}

// As sched_switch prints prev_state (task_index_to_char, include/linux/sched.h): the lowest bit set is the
// letter; what is set above, such as TASK_REPORT_MAX for a preempted task, is runnable. Kernels before 4.14
// reported the bare state, where TASK_IDLE is TASK_UNINTERRUPTIBLE | TASK_NOLOAD.
char state_letter(std::uint64_t state) {
  constexpr std::uint64_t kTaskIdle = 0x402;
  if ((state & kTaskIdle) == kTaskIdle) return kStateIdle;
  constexpr std::string_view kLetters = "SDTtXZPI";
  for (std::size_t i = 0; i < kLetters.size(); ++i)
    if ((state >> i & 1) != 0) return kLetters[i];
  return 'R';
}

bool knows_event(std::string_view name) { return parser_of(name) != nullptr; }

bool parse_event(std::string_view text, const LineReader& lines, Event& event) {
  const std::size_t colon = text.find(": ");
  std::string_view name = text.substr(0, colon != text.npos ? colon : text.size() - text.ends_with(':'));
  name = name.substr(name.find_last_of(kBlanks) + 1);
  const Parse parse = parser_of(name);
  if (parse == nullptr) return false;
  const std::string_view body = colon != text.npos ? trim(text.substr(colon + 2)) : std::string_view();
  if (const char* wrong = parse(body, event)) lines.fail(wrong);
  return true;
}

}  // namespace mmscale::trace
