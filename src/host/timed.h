// SPDX-License-Identifier: MIT
//
// Times of single operations of one thread, in shared memory, and what becomes of them in a record.
#pragma once

#include <string_view>

#include "measure/clock_cost.h"
#include "measure/findings.h"
#include "measure/histogram.h"
#include "measure/tick_rate.h"

namespace mmscale::host {

struct Timed {
  measure::Histogram now;
  measure::Histogram closed;
  measure::TickRate rate;
  measure::ClockCost clock;

  // At the window's edges: what is recorded outside of them is not counted.
  void open() {
    now.clear();
    clock = measure::clock_cost();
    rate.begin();
  }
  void close() {
    rate.end();
    closed = now;
  }

  // The median as the operation's time, the distribution as `name`_*, clock_ns_p50, clock_step_ns.
  void put(std::string_view operation, std::string_view name, measure::Findings& findings) const {
    const double ns_per_tick = rate.ns_per_tick();
    findings.operation = operation;
    findings.distribution = name;
    findings.operation_ns = closed.quantile(0.5).value_or(0) * ns_per_tick;
    findings.put(name, closed, ns_per_tick);
    findings.put("clock_ns_p50", clock.ticks * ns_per_tick);
    findings.put("clock_step_ns", clock.step_ticks * ns_per_tick);
  }
};

}  // namespace mmscale::host
