// SPDX-License-Identifier: MIT
//
// What `bench` and `sim` are asked in the same words: which cases, under which rules, for how long, into which file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "campaign/case.h"
#include "cli/command.h"
#include "cli/own_lifecycle.h"
#include "cli/rules.h"
#include "workload/settings.h"

namespace mmscale::cli {

// As typed.
struct CaseOptions {
  // What goes into it as it is. Without a lifecycle: the machine's own.
  campaign::Choice choice;
  std::string schemes;
  std::string sharings = "all";
  std::string placements = "compact";
  std::string cpus;
  std::optional<std::chrono::nanoseconds> window;
  std::optional<std::chrono::nanoseconds> warm;
  std::string out;
  bool unsafe = false;
  bool dry_run = false;
};

void take_case_options(Command& command, CaseOptions& options);

// The choice, but for CPU counts and transport. `own`: whose rules where nobody says. Throws UsageError.
campaign::Choice choose(const CaseOptions& options, const ChosenLifecycle& own);

// Two of the batches after which a real CPU looks at its clock: below that nothing could be counted.
inline constexpr std::chrono::nanoseconds kShortestMeasured{100'000};

// Throws UsageError for a --window of less than `shortest`, in which nothing could be counted.
void check_window(std::chrono::nanoseconds window, std::chrono::nanoseconds shortest);

// Says on standard error which options were given that none of the chosen families, or workloads, uses.
void say_unused(const Command& command, const campaign::Choice& choice);

}  // namespace mmscale::cli
