// SPDX-License-Identifier: MIT
#include "campaign/attempt.h"

#include <fmt/format.h>
#include <time.h>

#include <chrono>
#include <limits>
#include <string>
#include <utility>

#include "host/answer.h"
#include "host/cast.h"
#include "topology/bind.h"

namespace mmscale::campaign {
namespace {

void measure_window(measure::Bench& bench, const Case& c, measure::Record& record) {
  if (c.ask) {
    host::Answer answer = c.ask(bench, record.times);
    record.window = std::move(answer.window);
    record.findings = std::move(answer.findings);
    return;
  }
  auto load = c.make_load(c.subject);
  try {
    record.window = measure::run_window(bench, *load, c.subject.pus, record.times);
  } catch (const topology::StuckError&) {
    // It is still theirs who did not come back.
    [[maybe_unused]] auto* const left_to_them = load.release();
    throw;
  }
  if (const auto* self_measuring = dynamic_cast<const measure::SelfMeasuring*>(load.get()))
    record.findings = self_measuring->findings(record.window);
}

// That long, or until a signal.
void wait_out(std::chrono::nanoseconds time) {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(time);
  const timespec rest{whole.count(), (time - whole).count()};
  ::nanosleep(&rest, nullptr);
}

void mark_unmeasured(const measure::Bench& bench, measure::Record& record, std::string why) {
  record.window = measure::empty_window(bench, record.subject.pus);
  constexpr double kAnything = std::numeric_limits<double>::infinity();
  record.window.verdict = {.valid = false,
                           .reasons = {std::move(why)},
                           .bounds = {.rate = kAnything, .fairness = kAnything, .time = 1}};
}

}  // namespace

Attempt attempt(measure::Bench& bench, const Case& c, unsigned repetition, unsigned repetitions,
                const measure::WindowTimes& times) {
  Attempt result{{c.name, c.subject, repetition, repetitions, times, {}}};
  measure::Record& record = result.record;
  try {
    measure_window(bench, c, record);
  } catch (const topology::StuckError& error) {
    result.stuck = true;
    mark_unmeasured(bench, record, fmt::format("stuck: {}", error.what()));
  } catch (const topology::BindError& error) {
    // A CPU went offline, or out of our cpuset. It may come back, and others are there. The window takes its time all the
    // same: else a CPU that is away for a moment would use up all windows that are left.
    mark_unmeasured(bench, record, error.what());
    wait_out(times.warm + times.measure);
  } catch (const host::CastError& error) {
    mark_unmeasured(bench, record, error.what());
  }
  record.findings.bound_errors(record.window.verdict.bounds.time);
  return result;
}

}  // namespace mmscale::campaign
