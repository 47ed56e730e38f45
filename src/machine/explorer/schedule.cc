// SPDX-License-Identifier: MIT
#include "machine/explorer/schedule.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <stdexcept>

namespace mmscale::machine::explorer {

namespace {

// A number at the front of `text`, which it is taken from.
unsigned take_number(std::string_view& text, std::string_view whole) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{})
    throw std::invalid_argument(fmt::format("schedule '{}': a number is missing", whole));
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

Memory take_memory(std::string_view& text, std::string_view whole) {
  for (const Memory memory : kMemories) {
    const std::string_view name = to_string(memory);
    if (!text.starts_with(name) || text.substr(name.size(), 1) != ":") continue;
    text.remove_prefix(name.size() + 1);
    return memory;
  }
  throw std::invalid_argument(fmt::format("schedule '{}': must begin with sc:, tso:, pso: or rc11:", whole));
}

std::string token(const Transition& transition, Memory memory) {
  switch (transition.kind) {
    case Transition::Kind::step:
      return memory == Memory::rc11 && transition.store != 0
                 ? fmt::format("{}-{}", transition.cpu, transition.store)
                 : fmt::format("{}", transition.cpu);
    case Transition::Kind::interrupt:
      return fmt::format("{}i", transition.cpu);
    case Transition::Kind::drain:
      return memory == Memory::pso ? fmt::format("{}d{}", transition.cpu, transition.store)
                                   : fmt::format("{}d", transition.cpu);
  }
  return {};
}

}  // namespace

std::string to_string(const Schedule& schedule) {
  std::string text = fmt::format("{}:", to_string(schedule.memory));
  for (std::size_t i = 0; i < schedule.transitions.size();) {
    const std::string what = token(schedule.transitions[i], schedule.memory);
    std::size_t run = 1;
    while (i + run < schedule.transitions.size() &&
           token(schedule.transitions[i + run], schedule.memory) == what)
      ++run;
    if (i != 0) text += ',';
    text += run == 1 ? what : fmt::format("{}*{}", what, run);
    i += run;
  }
  return text;
}

Schedule parse_schedule(std::string_view text) {
  const std::string_view whole = text;
  Schedule schedule;
  schedule.memory = take_memory(text, whole);
  while (!text.empty()) {
    Transition transition;
    const unsigned cpu = take_number(text, whole);
    if (cpu > UINT8_MAX)
      throw std::invalid_argument(fmt::format("schedule '{}': there is no CPU {}", whole, cpu));
    transition.cpu = static_cast<std::uint8_t>(cpu);
    if (take(text, 'i')) {
      transition.kind = Transition::Kind::interrupt;
    } else if (take(text, 'd')) {
      transition.kind = Transition::Kind::drain;
      if (schedule.memory == Memory::pso) transition.store = take_number(text, whole);
    } else if (schedule.memory == Memory::rc11 && take(text, '-')) {
      transition.store = take_number(text, whole);
    }
    const unsigned times = take(text, '*') ? take_number(text, whole) : 1;
    if (times > 1'000'000) throw std::invalid_argument(fmt::format("schedule '{}': too long", whole));
    schedule.transitions.insert(schedule.transitions.end(), times, transition);
    if (!text.empty() && !take(text, ','))
      throw std::invalid_argument(fmt::format("schedule '{}': cannot read '{}'", whole, text));
  }
  return schedule;
}

}  // namespace mmscale::machine::explorer
