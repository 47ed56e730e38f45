// SPDX-License-Identifier: MIT
//
// How many context switches the running kernel makes: pairs of threads that wake each other and sleep, each
// end on a CPU of its own or both on one.
#pragma once

#include <array>
#include <chrono>
#include <span>
#include <string_view>

#include "host/answer.h"
#include "host/wire.h"

namespace mmscale::host {

// Whose mm: all ends are threads of one process, or every end is a process.
enum class Tasks { threads, processes };
inline constexpr std::array<std::string_view, 2> kTasksNames = {"threads", "processes"};

// Where the two ends of a pair are: on one CPU, which then never idles, or on two, which then idle in turns.
enum class Ends { same_cpu, cross_cpu };
inline constexpr std::array<std::string_view, 2> kEndsNames = {"same-cpu", "cross-cpu"};

struct SwitchSpec {
  Primitive primitive = Primitive::futex;
  Tasks tasks = Tasks::threads;
  Ends ends = Ends::same_cpu;
  // What an end computes between a message and its own. Where waking takes less than coming back from the call that
  // wakes (a virtual machine, whose interrupts are sent by the hypervisor), an end finds the answer there and does not
  // sleep; the time of such rounds is in the figure of the switches. With a pause of that difference it sleeps.
  std::chrono::nanoseconds pause{};
};

// One pair on each CPU, or on the 1st and 2nd, the 3rd and 4th, ... of `pus`, of which there must then be an
// even number (std::invalid_argument). A round is there and back. What counts as a switch is what the kernel
// counted for the threads: each time that one left its CPU; cross-cpu twice that, into idle and out of
// it. `idle_share_low` and `_high` among the findings bound the true value, and `slept_share` is the part of all
// messages that their receiver had slept for.
Answer ask_switches(const measure::Bench& bench, const SwitchSpec& spec, std::span<const unsigned> pus,
                    const measure::WindowTimes& times);

}  // namespace mmscale::host
