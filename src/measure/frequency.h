// SPDX-License-Identifier: MIT
// Whether the clock rate of the CPUs in use can change during a measurement.
#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace mmscale::measure {

// From the best to the worst. `kUnknown` is no comfort: most virtual machines say it, and the clock may do anything there.
enum class FrequencyState { kFixed, kUnknown, kScaling };

// `governor` is the governor's name, or each name with its CPUs when they differ, or "unknown"; `detail` says
// in one line what decided `state`, naming a CPU.
struct Frequency {
  FrequencyState state = FrequencyState::kUnknown;
  std::string governor = "unknown";
  std::string detail;
};

// The state of a CPU from cpufreq:
//  - scaling: the governor may choose between two different limits, or boost is on;
//  - fixed: one frequency is left (limits equal, or a governor that stays put), boost is off or the driver
//  has none, and
//    the driver is one that does what it is told (kObedientDrivers in the source);
//  - unknown: a file that decides is missing or unreadable, or the driver leaves the choice to hardware or
//  firmware
//    (the kernel's own documentation of intel_pstate calls setting one frequency "fiction").
// The state of all: scaling if any CPU is, else unknown if any is, else fixed; unknown for no CPUs.
// Heat can slow a fixed clock too; that is what the arithmetic probe (disturbance.h) is for.
Frequency read_frequency(std::span<const unsigned> cpus, const std::filesystem::path& root = "/");

// "fixed", "scaling" or "unknown".
std::string to_string(FrequencyState state);

}  // namespace mmscale::measure
