// SPDX-License-Identifier: MIT
//
// What a user may say of the emulated kernel and of the processes that run on it, and one definition of each: what it is
// called on a command line and in a record, what it is for, and whom it concerns. The command lines of bench, sim and
// replay, what `mmscale describe` tells, and the records come from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/build.h"
#include "workload/patterns.h"

namespace mmscale::workload {

struct Settings {
  kernel::Options options = {};
  kernel::Rules rules = {};
  PatternParameters processes = {};
  // What these are for is said where they are defined (settings.cc).
  std::chrono::nanoseconds linger{};
  bool latency = false;
  std::uint32_t nohz_hz = 0;
};

struct Setting {
  // What its value is. A flag turns it over; a name is stored by its place among `names`, a duration in ns.
  enum class Kind { flag, count, duration, name };
  // Who has it in a record: whoever runs the emulated kernel, a scheme that is tuned with it (SchemeInfo::tunable), whoever
  // runs processes; or the family's own findings say it.
  enum class Of { kernel, scheme, processes, findings };
  // What there is to say of few.
  struct Few {
    // The workloads that it says something about, comma-separated; empty: all. In any other it is `unused`.
    std::string_view workloads = {};
    std::uint64_t unused = 0;
    // Whether a record goes without it then.
    bool left_out = false;
    // Of a count, or a duration in ns.
    std::uint64_t least = 0, most = UINT32_MAX;
    // The commands that take it, and the families of bench.
    std::string_view commands = {}, families = {};
    std::span<const std::string_view> names = {};
  };

  Kind kind;
  Of of;
  // Empty: nobody has said, and it is as the lifecycle or the machine has it.
  std::optional<std::uint64_t> (*get)(const Settings& settings);
  void (*set)(Settings& settings, std::uint64_t value);
  // "--think"; with a command before it where another command's option of that name means something else.
  std::string_view name;
  std::string_view key;  // in a record; windows that differ in it are not pooled
  std::string_view page;
  std::string_view help;
  Few few;
};

// In the order in which records have them.
std::span<const Setting> settings();

}  // namespace mmscale::workload
