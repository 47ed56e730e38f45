// SPDX-License-Identifier: MIT
//
// What the death of an address space costs the running kernel, against how many CPUs still have it
// loaded lazily.
#pragma once

#include <span>

#include "host/answer.h"

namespace mmscale::host {

// Process after process: each puts a thread on every one of `pus` but the first, which writes to a page and
// exits, so that its CPU idles with the mm loaded; then the last thread, on the first CPU, exits. We time from
// that exit until the parent reaps it: exit_mmap with its TLB flush, the last drops of references, and a switch
// to the parent, which waits on the same CPU. With one CPU nobody borrows; that is the floor of the others.
Answer ask_deaths(const measure::Bench& bench, std::span<const unsigned> pus,
                  const measure::WindowTimes& times);

}  // namespace mmscale::host
