// SPDX-License-Identifier: MIT
//
// One window of a case, whatever becomes of it.
#pragma once

#include "campaign/case.h"
#include "measure/record.h"
#include "measure/window.h"

namespace mmscale::campaign {

struct Attempt {
  measure::Record record;
  // Its threads did not come back. Those of another window of this case would not either: it has had its patience.
  bool stuck = false;
};

// Runs window number `repetition` of `repetitions`. One that could not be measured, because its threads did not come back or
// a CPU was not to be had, is a record that does not count and says why. Throws what is no window's fault.
Attempt attempt(measure::Bench& bench, const Case& c, unsigned repetition, unsigned repetitions,
                const measure::WindowTimes& times);

}  // namespace mmscale::campaign
