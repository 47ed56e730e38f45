// SPDX-License-Identifier: MIT
//
// The synthetic workloads: what each CPU does, over and over.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "workload/program.h"

namespace mmscale::workload {

struct PatternParameters {
  // Which mm each emulated CPU's tasks live in: CPUs with the same group share it. One entry per CPU, groups
  // numbered from 0 without gaps (topology::groups makes them).
  std::span<const unsigned> groups = {};
  // What they are for is said where they are defined as options (settings.cc).
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
  // How long an idle CPU takes to leave its idle state when it is interrupted, if it takes long.
  std::optional<std::chrono::nanoseconds> idle_exit = {};
  bool registered = false;
};

struct Pattern {
  std::string_view name;
  std::string_view what;
  // What a pass is called in words, for ns per pass.
  std::string_view round;
  Program (*build)(const PatternParameters&);
  // Its processes are single-threaded, one or more to a CPU, so that sharing does not apply.
  bool single_threaded = false;

  // What says nothing about it is as if nobody had asked for it.
  PatternParameters used_of(PatternParameters asked) const;
};

// The one table of patterns.
std::span<const Pattern> patterns();

// The pattern of that name, nullptr if there is none.
const Pattern* find_pattern(std::string_view name);

}  // namespace mmscale::workload
