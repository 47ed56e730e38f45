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
  // Which mm each emulated CPU's tasks live in: CPUs with the same group share it. One entry per CPU, groups
  // numbered from 0 without gaps (topology::groups makes them).
  std::span<const unsigned> groups = {};
  // Ticks of the CPU's counter that every user or kernel task runs before it is switched away; 0: none.
  std::uint32_t think = 0;
  // exit, build, hotplug: context switches from a process' birth to its death on each of its CPUs. exec:
  // between two execs. server: of a worker between two short-lived threads. Even, at least 2.
  std::uint32_t lifetime = 100;
  // idle, kthread: user tasks in the run queue of each CPU, threads of its group's process. They are woken together,
  // run in turn, and only then does the CPU idle.
  std::uint32_t tasks_per_cpu = 1;
  // build: one process of so many moves to another CPU in the middle of its life; 0: none does. The default
  // is a guess at "rarely" that errs on the side of the shootdown's price: a kernel build on 144 CPUs sent
  // 314 IPIs in all.
  std::uint32_t migrate_every = 64;
  // Every idle period is in a state that loses the TLB.
  bool deep_idle = false;
  // Whether the processes have page tables for their exit flush to free.
  bool page_tables = true;
  // exit, build, hotplug: what a death and the next birth cost besides, in ticks of the CPU's counter.
  std::uint32_t death_ticks = 0;
  // One idle period in so many stops the tick, and ends with a busy one; 0: none.
  std::uint32_t nohz_every = 0;
  // How long an idle CPU takes to leave its idle state when it is interrupted.
  std::uint32_t idle_exit_ns = 0;
  // The processes have registered for membarrier(2).
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
  // Whether `tasks_per_cpu`, `lifetime`, `migrate_every` and `death_ticks` say anything about it.
  bool has_queue = false;
  bool has_lifetime = false;
  bool migrates = false;
  bool dies = false;
  // Its CPUs interrupt others, which may be idle.
  bool interrupts = false;

  // What says nothing about it is as if nobody had asked for it: 0, and one task to a CPU.
  PatternParameters used_of(PatternParameters asked) const;
};

// The one table of patterns.
std::span<const Pattern> patterns();

// The pattern of that name, nullptr if there is none.
const Pattern* find_pattern(std::string_view name);

}  // namespace mmscale::workload
