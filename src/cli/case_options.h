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

#include "campaign/case.h"
#include "cli/command.h"
#include "cli/own_lifecycle.h"
#include "cli/rules.h"
#include "topology/layout.h"
#include "workload/patterns.h"

namespace mmscale::cli {

// As typed.
struct CaseOptions {
  std::string families;
  std::string schemes;
  std::string workloads = "idle,kthread,user,exit";
  std::string sharings = "all";
  std::string placements = "compact";
  std::string cpus;
  std::string lifecycle;
  std::string window;
  std::string warm;
  std::string out;
  std::optional<std::uint32_t> home;
  RuleOptions rules;
  std::string mm_cid = "off";
  workload::PatternParameters processes;
  std::string idle_exit;
  bool unsafe = false;
  bool dry_run = false;
};

void take_case_options(Command& command, CaseOptions& options);

// The choice, but for CPU counts and transport. `families`: those there are to choose from; `own`: whose rules, and
// `idle_exit_ns`: how long it takes to leave idle, where nobody says. Throws UsageError.
campaign::Choice choose(const CaseOptions& options, std::span<const std::string_view> families,
                        const ChosenLifecycle& own, std::uint32_t idle_exit_ns = 0);

// What --window says; throws UsageError for less than `shortest`, in which nothing could be counted.
std::chrono::nanoseconds parse_window(const std::string& text, std::chrono::nanoseconds shortest);

// Throws UsageError unless `home` is a node of the layout with memory for us; `where` is in the message.
void check_home(const topology::Layout& layout, std::optional<std::uint32_t> home, std::string_view where);

// Says on standard error which options were given that none of the chosen families, or workloads, uses.
void say_unused(const Command& command, const campaign::Choice& choice);

}  // namespace mmscale::cli
