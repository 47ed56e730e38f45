// SPDX-License-Identifier: MIT
//
// Measures this host for a machine file: the families line, floor and ipi, and hits, in windows like
// any other.
#pragma once

#include "calibrate/host_costs.h"
#include "measure/window.h"

namespace mmscale::calibrate {

struct CalibrationSetup {
  measure::WindowTimes times;
  unsigned repetitions = 9;
  // Takes a question's invalid windows where it has no valid ones; the source then says so.
  bool accept_invalid = false;
};

struct Calibration {
  // Without name and description, which are for the caller to give.
  HostCosts costs;
  // What a reader must be told: windows that do not count and why, CPUs left out. One line each.
  std::vector<std::string> remarks;
  // Whether some question had no valid window at all.
  bool incomplete = false;
};

// All questions in turn, `repetitions` times. Where one CPU may be used, no line travels and nobody is
// called: those readings are absent. Throws CalibrationError and what windows and transports throw.
Calibration calibrate(measure::Bench& bench, const CalibrationSetup& setup);

}  // namespace mmscale::calibrate
