// SPDX-License-Identifier: MIT
#include "trace/text_fields.h"

namespace mmscale::trace {
namespace {

constexpr std::string_view kBlanks = " \t";

// The value behind the last " name=", up to the next blank. A comm may contain anything, also what looks like
// a field; the fields that count come after it.
std::optional<std::string_view> field(std::string_view body, std::string_view name) {
  for (std::size_t from = body.rfind(name); from != body.npos;
       from = from == 0 ? body.npos : body.rfind(name, from - 1)) {
    if (from != 0 && body[from - 1] != ' ') continue;
    const std::string_view value = body.substr(from + name.size());
    return value.substr(0, value.find_first_of(kBlanks));
  }
  return std::nullopt;
}

std::optional<std::int32_t> pid_field(std::string_view body, std::string_view name) {
  const auto value = field(body, name);
  return value ? pid_number(*value) : std::nullopt;
}

// What is between `from` at the body's start and the last `to`.
Comm between(std::string_view body, std::string_view from, std::string_view to) {
  if (!body.starts_with(from)) return {};
  body.remove_prefix(from.size());
  return Comm(body.substr(0, body.rfind(to)));
}

// "comm:pid [prio]", as libtraceevent's plugin prints a task.
bool plugin_task(std::string_view text, Comm& comm, std::int32_t& pid) {
  const std::size_t colon = text.rfind(':', text.rfind(" ["));
  if (colon == text.npos) return false;
  std::string_view rest = text.substr(colon + 1);
  const auto found = pid_number(take_word(rest));
  if (!found) return false;
  pid = *found;
  comm = Comm(text.substr(0, colon));
  return true;
}

const char* parse_switch(std::string_view body, Event& event) {
  event.kind = Kind::switched;
  constexpr std::string_view kArrow = " ==> ";
  const std::size_t arrow = body.rfind(kArrow);
  if (arrow == body.npos) return "sched_switch without '==>'";
  const std::string_view prev = body.substr(0, arrow);
  const std::string_view next = body.substr(arrow + kArrow.size());
  if (!next.starts_with("next_comm=")) {
    // "prev_comm:prev_pid [prio] S ==> next_comm:next_pid [prio]"
    const std::size_t bracket = prev.rfind(']');
    if (bracket == prev.npos || !plugin_task(prev, event.comm, event.pid) ||
        !plugin_task(next, event.other_comm, event.other))
      return "sched_switch without its pids";
    const std::string_view state = trim(prev.substr(bracket + 1));
    event.state = state.empty() ? 0 : state.front();
    return nullptr;
  }
  const auto prev_pid = pid_field(prev, "prev_pid=");
  const auto next_pid = pid_field(next, "next_pid=");
  if (!prev_pid || !next_pid) return "sched_switch without its pids";
  event.pid = *prev_pid;
  event.other = *next_pid;
  event.comm = between(prev, "prev_comm=", " prev_pid=");
  event.other_comm = between(next, "next_comm=", " next_pid=");
  if (const auto state = field(prev, "prev_state="); state && !state->empty()) event.state = state->front();
  return nullptr;
}

const char* parse_newtask(std::string_view body, Event& event) {
  event.kind = Kind::newtask;
  const auto child =
      body.starts_with("pid=") ? pid_field(body.substr(0, body.find(" comm=")), "pid=") : std::nullopt;
  const auto flags = field(body, "clone_flags=");
  if (!child || *child == 0 || !flags) return "task_newtask without pid or clone_flags";
  std::string_view digits = *flags;
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  const auto bits = number<std::uint64_t>(digits, 16);
  if (!bits) return "task_newtask: clone_flags is no hexadecimal number";
  event.other = *child;
  event.flags = *bits;
  if (const std::size_t comm = body.find(" comm="); comm != body.npos)
    event.other_comm = between(body.substr(comm + 1), "comm=", " clone_flags=");
  return nullptr;
}

const char* parse_fork(std::string_view body, Event& event) {
  event.kind = Kind::fork;
  const auto child = pid_field(body, "child_pid=");
  if (!child || *child == 0) return "sched_process_fork without child_pid";
  event.other = *child;
  return nullptr;
}

const char* parse_exec(std::string_view body, Event& event) {
  event.kind = Kind::exec;
  const auto pid = pid_field(body, "pid=");
  const auto old_pid = pid_field(body, "old_pid=");
  if (!pid || !old_pid || *pid == 0) return "sched_process_exec without pid or old_pid";
  event.pid = *pid;
  event.other = *old_pid;
  constexpr std::string_view kFile = "filename=";
  if (body.starts_with(kFile)) {
    const std::string_view path = body.substr(0, body.rfind(" pid="));
    event.comm = executed_name(path.substr(kFile.size()));
  }
  return nullptr;
}

const char* parse_exit(std::string_view body, Event& event) {
  event.kind = Kind::exit;
  const auto pid = pid_field(body, "pid=");
  if (!pid || *pid == 0) return "sched_process_exit without pid";
  event.pid = *pid;
  event.comm = between(body, "comm=", " pid=");
  return nullptr;
}

const char* parse_csd(std::string_view body, Event& event) {
  event.kind = Kind::ipi;
  const auto function = field(body, "func=");
  if (!function) return "csd_queue_cpu without func";
  event.call = call_of(function->substr(0, function->find('+')));
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
  const std::size_t point = text.find('.');
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

std::string_view take_word(std::string_view& text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  text.remove_prefix(begin == text.npos ? text.size() : begin);
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

const char* parse_body(std::string_view name, std::string_view body, Event& event) {
  if (const std::size_t colon = name.rfind(':'); colon != name.npos) name.remove_prefix(colon + 1);
  if (name == "sched_switch") return parse_switch(body, event);
  if (name == "task_newtask") return parse_newtask(body, event);
  if (name == "sched_process_fork") return parse_fork(body, event);
  if (name == "sched_process_exec") return parse_exec(body, event);
  if (name == "sched_process_exit") return parse_exit(body, event);
  if (name == "csd_queue_cpu") return parse_csd(body, event);
  event.kind = Kind::seen;
  return nullptr;
}

}  // namespace mmscale::trace
