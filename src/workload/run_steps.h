// SPDX-License-Identifier: MIT
//
// The measured loop. It stands apart from the engine, which it is a small part of, because it alone is compiled for
// each path through context_switch; docs/fast-path.md shows what becomes of it on silicon.
#pragma once

#include <cstdint>

#include "kernel/context_switch.h"
#include "workload/program.h"

namespace mmscale::workload {

template <class M>
class Engine;

// A step whose task is known.
template <class M>
struct BoundStep {
  Op op;
  std::uint32_t operand;
  kernel::Task<M>* task;
};

// Whatever is not a switch (engine.h). False if stop() ended it.
template <class M>
MMSCALE_COLD bool run_rare_step(Engine<M>& engine, M& m, const BoundStep<M>& step);

// Takes the CPU from one step to before another, `rounds` times over. The steps are data, so one loop runs every
// workload; their pattern is short and fixed, so the branches on it predict.
template <class Path, class M>
__attribute__((noinline)) bool run_steps(Engine<M>& engine, M& m, kernel::Cpu<M>& cpu,
                                         const BoundStep<M>* begin, const BoundStep<M>* end,
                                         std::uint64_t rounds) {
  for (; rounds != 0; --rounds) {
    for (const BoundStep<M>* step = begin; step != end; ++step) {
      if (step->op == Op::switch_to) [[likely]]
        kernel::context_switch<Path>(m, cpu, *step->task);
      else if (!run_rare_step(engine, m, *step))
        return false;
    }
  }
  return true;
}

template <class M>
using Loop = bool (*)(Engine<M>&, M&, kernel::Cpu<M>&, const BoundStep<M>*, const BoundStep<M>*,
                      std::uint64_t);

}  // namespace mmscale::workload
