// SPDX-License-Identifier: MIT
//
// One cell of the table: a scheme under a lifecycle in one case, through every interleaving.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check/case.h"
#include "check/program.h"
#include "machine/explorer/explore.h"

namespace mmscale::check {

enum class Verdict {
  safe,      // every interleaving was explored and none is a violation
  bounded,   // none found, but a limit came first
  violated,  // one was found
};

std::string_view to_string(Verdict verdict);

struct Options {
  // One bit for each kernel::Violation that counts; a deadlock always does.
  unsigned verdicts = ~0u;
  // What the lifecycle's machines have if not said: natural_memory.
  std::optional<machine::explorer::Memory> memory = {};
  // Transitions for each case; 0 is without limit.
  std::uint64_t steps = 20'000'000;
  // Preemptions; -1 is without bound.
  int preemptions = -1;
  // Which places ask for an order, or one that asks for less than it does.
  machine::explorer::Orders orders = {};
  // Count executions once that only tell interchangeable CPUs apart.
  bool symmetry = true;
  // Look for a violation that needs few preemptions, once there is one.
  bool shorten = true;
};

// TSO where the architecture has it, rc11 elsewhere.
machine::explorer::Memory natural_memory(std::string_view lifecycle);

struct Outcome {
  Verdict verdict = Verdict::safe;
  machine::explorer::Memory memory = machine::explorer::Memory::tso;
  std::uint64_t executions = 0;
  std::uint64_t steps = 0;
  // Different states, where the search was so long that they were remembered; else 0.
  std::uint64_t states = 0;
  // Of CPU time.
  double seconds = 0;
  // If violated: the classes found, or "DEADLOCK", and the execution.
  std::string violation;
  std::string where;
  std::string schedule;
};

// Throws std::invalid_argument for an unknown scheme or lifecycle. A violation's schedule is the shortest of
// those found: with the fewest preemptions where few are enough and stores need not be delayed, else the
// first.
Outcome check(std::string_view scheme, std::string_view lifecycle, const Case& the_case,
              const Options& options);

// One step of an execution in words: "exit_mm (exit.h:52): full barrier".
struct Line {
  using Kind = machine::explorer::Transition::Kind;
  unsigned cpu;
  Kind kind;
  std::string text;
  // Another CPU touches the same location in this execution; of a barrier and an interrupt, always.
  bool shared = true;
};

std::string_view to_string(Line::Kind kind);

// "switch_mm_irqs_off" of a pretty function name, without its template arguments; "exit.h" of a path.
std::string function_of(std::string_view pretty);
std::string file_of(std::string_view path);

// What a schedule does, and what the oracle says; `violation` is empty if nothing.
struct Trace {
  unsigned cpus = 0;
  std::vector<Line> lines;
  std::string violation;
  std::string where;
};

Trace trace(std::string_view scheme, std::string_view lifecycle, const Case& the_case,
            std::string_view schedule, unsigned verdicts, const machine::explorer::Orders& orders = {});

// Of the classes in an Outcome::violation: what they mean, and the place of the worst among all, 0 being the worst.
std::string meaning_of(std::string_view violation);
unsigned severity_of(std::string_view violation);

// The same as numbered lines, the last two what the oracle says and what that means.
std::vector<std::string> explain(std::string_view scheme, std::string_view lifecycle, const Case& the_case,
                                 std::string_view schedule, unsigned verdicts,
                                 const machine::explorer::Orders& orders = {});

}  // namespace mmscale::check
