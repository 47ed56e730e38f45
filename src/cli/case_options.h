// SPDX-License-Identifier: MIT
//
// What `bench` and `sim` are asked in the same words: which cases, under which rules, for how long, into which file.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "campaign/case.h"
#include "cli/command.h"
#include "cli/rules.h"
#include "topology/layout.h"

namespace mmscale::cli {

// As typed.
struct CaseOptions {
  std::string families;
  std::string schemes;
  std::string workloads = "idle,kthread,user,exit";
  std::string sharings = "all";
  std::string placements = "compact";
  std::string cpus;
  std::string lifecycle = "powerpc";
  std::string window;
  std::string warm;
  std::string out;
  std::optional<std::uint32_t> home;
  RuleOptions rules;
  std::string mm_cid = "off";
  std::uint32_t think = 0;
  std::uint32_t tasks_per_cpu = 1;
  std::uint32_t lifetime = campaign::Choice().lifetime;
  bool unsafe = false;
  bool dry_run = false;
};

void take_case_options(Command& command, CaseOptions& options);

// The choice, but for CPU counts and transport. `families`: those there are to choose from. Throws UsageError.
campaign::Choice choose(const CaseOptions& options, std::span<const std::string_view> families);

// What --window says; throws UsageError for less than `shortest`, in which nothing could be counted.
std::chrono::nanoseconds parse_window(const std::string& text, std::chrono::nanoseconds shortest);

// Throws UsageError unless `home` is a node of the layout with memory for us; `where` is in the message.
void check_home(const topology::Layout& layout, std::optional<std::uint32_t> home, std::string_view where);

// Says on standard error which options were given that none of the chosen families, or workloads, uses.
void say_unused(const Command& command, const campaign::Choice& choice);

}  // namespace mmscale::cli
