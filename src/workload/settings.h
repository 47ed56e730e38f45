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
#include <vector>

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

// What an option's value is; `flag` has none, and turns over what there is.
enum class Value { flag, count, number, duration, name, names, text, file, cpu_counts, cpu_list };

// An option of the command line.
struct OptionInfo {
  // "--deep-idle"; with a short form "-o,--out"; a flag's opposite as "--a,!--b"; with a command before it where another
  // command's option of that name means something else.
  std::string_view name;
  Value value = Value::text;
  // Where it is described, beside the command's help.
  std::string_view page = {};
  // The key of its value in the "mmscale" object of a record; empty: it is in none.
  std::string_view key = {};
  std::string_view help = {};
  // What there is to say of few.
  struct More {
    // The families of `bench` that use it, comma-separated; empty: all, or it is not about families.
    std::string_view families = {};
    // The workloads of family switch that use it; empty: all.
    std::string_view workloads = {};
    // Of a count or number, or a duration in ns: what is allowed.
    double least = 0;
    double most = 0;
    // Of a count: 0 is allowed as well, and is none.
    bool or_none = false;
    // Of a name or names: what there is; null: whatever the command says.
    std::vector<std::string_view> (*choices)() = nullptr;
    // Some family's findings say it, as a count.
    bool is_counted = false;

    // Of settings: the commands that take it; what it is for workloads that do not use it, and whether a record goes
    // without it then.
    std::string_view commands = {};
    std::uint64_t unused = 0;
    bool left_out = false;
  } more = {};
  // Whether windows that differ in it must not be pooled.
  bool condition = false;
};

// An option whose value is a member of Settings: a flag's 0 or 1, a name's place among its choices, a duration's ns.
struct Setting : OptionInfo {
  // Who has it in a record: whoever runs the emulated kernel, a scheme that is tuned with it (SchemeInfo::tunable), whoever
  // runs processes; or the family's own findings say it.
  enum class Of { kernel, scheme, processes, findings } of;
  // Empty: nobody has said, and it is as the lifecycle or the machine has it.
  std::optional<std::uint64_t> (*get)(const Settings& settings);
  void (*set)(Settings& settings, std::uint64_t value);
};

// In the order in which records have them.
std::span<const Setting> settings();

}  // namespace mmscale::workload
