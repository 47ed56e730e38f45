// SPDX-License-Identifier: MIT
//
// What a question to the running kernel yields, and what all such questions do alike: look at the machine,
// let the cast act, look again, judge.
#pragma once

#include <span>

#include "host/cast.h"
#include "host/kernel_account.h"
#include "measure/findings.h"
#include "measure/window.h"

namespace mmscale::host {

struct Answer {
  measure::Window window;
  measure::Findings findings;
};

// What the machine and its kernel counted while a cast acted.
struct Witness {
  measure::MachineDisturbance machine;
  KernelAccount account;
};

// Lets the cast act, from gate to gate, and dismisses it. Throws CastError.
Witness act(const measure::Bench& bench, Cast& cast, std::span<const unsigned> pus,
            const measure::WindowTimes& times);

// Fills in what judge() looks at, and judges. CPUs without a length of time are not measured and take no
// part in the overlap. `real_switches`: see measure::WindowConditions.
void judge_window(const measure::Bench& bench, const Witness& witness, const measure::WindowTimes& times,
                  bool real_switches, measure::Window& window);

}  // namespace mmscale::host
