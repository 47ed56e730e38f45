// SPDX-License-Identifier: MIT
//
// Interrupts between emulated CPUs that all live on one thread: the target's handlers run inside the sender's
// raise(). With it a test drives several CPUs by hand, one step after the other, and no outcome depends on a
// scheduler.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "machine/cpumask.h"
#include "machine/silicon/transport.h"

namespace mmscale::test {

class InlineTransport final : public machine::silicon::Transport {
 public:
  explicit InlineTransport(unsigned cpus) : lines_(cpus) {}

  std::string_view name() const override { return "inline"; }
  void attach(unsigned cpu, unsigned, machine::silicon::InterruptLine line) override { lines_[cpu] = line; }
  void detach(unsigned cpu) override { lines_[cpu] = {}; }
  void raise(const machine::CpuMask& targets) override {
    if (on_raise)
      on_raise(targets);
    else
      targets.for_each([this](unsigned cpu) { deliver(cpu); });
  }

  // The interrupt arrives at `cpu` now. Its interrupts must be on, or the sender waits for ever.
  void deliver(unsigned cpu) { lines_[cpu].deliver(lines_[cpu].cpu); }

  // Called instead of delivering, if set.
  std::function<void(const machine::CpuMask&)> on_raise;

 private:
  std::vector<machine::silicon::InterruptLine> lines_;
};

}  // namespace mmscale::test
