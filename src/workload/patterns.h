// SPDX-License-Identifier: MIT
//
// The synthetic workloads: what each CPU does, over and over.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "workload/program.h"

namespace mmscale::workload {

struct PatternParameters {
  // Which mm each emulated CPU's tasks live in: CPUs with the same group share it. One entry per CPU, groups
  // numbered from 0 without gaps (topology::groups makes them).
  std::span<const unsigned> groups = {};
  // What they are for is said where they are defined as options (patterns.cc).
  std::uint32_t think = 0;
  std::uint32_t lifetime = 100;
  std::uint32_t tasks_per_cpu = 1;
  // The default is a guess at "rarely" that errs on the side of the shootdown's price: a kernel build on 144 CPUs
  // sent 314 IPIs in all.
  std::uint32_t migrate_every = 64;
  bool deep_idle = false;
  bool page_tables = true;
  std::uint32_t death_ticks = 0;
  std::uint32_t nohz_every = 0;
  // How long an idle CPU takes to leave its idle state when it is interrupted; no option of these, since replays and
  // machines say it, too.
  std::uint32_t idle_exit_ns = 0;
  bool registered = false;
};

// One definition of what a user says of the processes: what it is called on a command line and in a record, what it is
// for, and whom it concerns. The command lines of bench and sim, what `mmscale describe` tells, the schema's part and
// the records come from it.
struct ProcessOption {
  using Member = std::variant<std::uint32_t PatternParameters::*, bool PatternParameters::*>;

  Member member;
  std::string_view name;  // "--think"; a flag turns its member over
  std::string_view key;   // in a record; windows that differ in it are not pooled
  std::string_view page;
  std::string_view help;
  // What there is to say of few.
  struct Few {
    // The workloads that it says something about, comma-separated; empty: all. In any other it is `unused`.
    std::string_view workloads = {};
    std::uint32_t unused = 0;
    // Whether a record goes without it then.
    bool left_out = false;
    // Of a count.
    std::uint32_t least = 0, most = ~0u;
    std::string_view families = "switch,mix";
  } few = {};
};

// In the order in which records have them.
std::span<const ProcessOption> process_options();

struct Pattern {
  std::string_view name;
  std::string_view what;
  // What a pass is called in words, for ns per pass.
  std::string_view round;
  Program (*build)(const PatternParameters&);
  // Its processes are single-threaded, one or more to a CPU, so that sharing does not apply.
  bool single_threaded = false;
  // Its CPUs interrupt others, which may be idle.
  bool interrupts = false;

  // What says nothing about it is as if nobody had asked for it.
  PatternParameters used_of(PatternParameters asked) const;
};

// The one table of patterns.
std::span<const Pattern> patterns();

// The pattern of that name, nullptr if there is none.
const Pattern* find_pattern(std::string_view name);

}  // namespace mmscale::workload
