// SPDX-License-Identifier: MIT
//
// What the emulated CPUs do in a replay: the programs that the builder makes of a trace. Unlike a workload's
// program (workload/program.h) it is not repeated but streamed, in chunks, and it has an order between CPUs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trace/event.h"
#include "workload/program.h"

namespace mmscale::trace {

// switch_to, thread, born (a user task that was there before the trace), join (the same, in the mm of the task in `other`),
// fork, clone, exec, leave_mm; n is a step's `slot`.
using workload::Op;

// Order. Steps of one CPU follow each other. Everything but a switch is *global*: it begins when all steps
// before it in the trace are done, on all CPUs, and nothing behind it begins before it is done. Between two
// global steps, an epoch, CPUs run freely, but a task that comes from another CPU is waited for. So
// everything that can be counted is the same however fast each CPU is.
struct Step {
  static constexpr std::uint32_t kIdle = UINT32_MAX;

  // Since the trace's first event.
  std::uint64_t when_ns = 0;
  // Global steps before this one.
  std::uint32_t epoch = 0;
  std::uint32_t slot = kIdle;
  std::uint32_t other = kIdle;
  // switch_to a task that ran elsewhere before: how often it must have been switched away from; else 0.
  std::uint32_t turns = 0;
  Op op = Op::switch_to;
  // For who looks on: the task in `slot`, as it is called from here on.
  std::int32_t pid = 0;
  Comm comm = {};

  bool global() const { return op != Op::switch_to; }
  bool operator==(const Step&) const = default;
};

// A piece of all CPUs' programs; every CPU finishes it before the next one begins.
struct Chunk {
  std::vector<std::vector<Step>> cpus;
  // Global steps up to its end.
  std::uint32_t epoch = 0;
  // When its last step begins.
  std::uint64_t end_ns = 0;
  std::size_t steps = 0;

  void clear() {
    for (auto& steps_of_cpu : cpus) steps_of_cpu.clear();
    steps = 0;
  }
};

}  // namespace mmscale::trace
