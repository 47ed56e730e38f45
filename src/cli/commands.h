// SPDX-License-Identifier: MIT
//
// The commands of `mmscale`, each in a source of its name.
#pragma once

#include <string>

#include "cli/command.h"

namespace mmscale::cli {

// What CPUs there are, which of them are ours, and in which order a placement takes them.
void add_topo_command(Start& start);

// The catalogue of schemes; as text for people and as JSON (an array of objects).
void add_schemes_command(Start& start);
std::string schemes_text();
std::string schemes_json();

// Every interleaving of small situations, scheme by scheme and lifecycle by lifecycle.
void add_check_command(Start& start);

// Every command and option, for people and, as JSON, for man pages and completions: all that there are when it runs.
void add_describe_command(Start& start);

// Measures on this machine.
void add_bench_command(Start& start);

// This host as a machine file for `mmscale sim`.
void add_calibrate_command(Start& start);

// What on this machine will disturb measurements, and what to do about it, in some seconds. Status 3 if
// there is anything.
void add_doctor_command(Start& start);

// What mm_count costs on this machine, and what another scheme would give.
void add_assess_command(Start& start);

// What the scheduler of this machine does, into a file that `mmscale replay` reads.
void add_record_command(Start& start);
// Its exit status where there is no such command to record, as env(1) has it.
inline constexpr int kCannotRun = 127;

// What a recorded trace would have cost under each scheme.
void add_replay_command(Start& start);

// What `mmscale bench` measures, on a machine model in virtual time. Not in every build.
void add_sim_command(Start& start);

}  // namespace mmscale::cli
