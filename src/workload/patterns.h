// SPDX-License-Identifier: MIT
//
// The synthetic workloads: what each CPU does, over and over.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "workload/program.h"

namespace mmscale::workload {

struct PatternParameters {
  // Which mm each emulated CPU's tasks live in: CPUs with the same group share it. One entry per CPU, groups numbered
  // from 0 without gaps (topology::groups makes them).
  std::span<const unsigned> groups;
  // Ticks of the CPU's counter that every user or kernel task runs before it is switched away; 0: none.
  std::uint32_t think = 0;
  // exit only: context switches from a process' birth to its death on each of its CPUs; even, at least 2.
  std::uint32_t lifetime = 100;
};

struct Pattern {
  std::string_view name;
  std::string_view what;
  // What a pass is called in words, for ns per pass.
  std::string_view round;
  Program (*build)(const PatternParameters&);
};

// The one table of patterns: idle, kthread, user, exit.
std::span<const Pattern> patterns();

// The pattern of that name, nullptr if there is none.
const Pattern* find_pattern(std::string_view name);

}  // namespace mmscale::workload
