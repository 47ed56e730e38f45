// SPDX-License-Identifier: MIT
//
// CPUs that are left to everything else: to whoever measures, to interrupts and to the rest of the machine. A thread
// that measures shares its CPU with nobody, so the others need one of their own.
#pragma once

#include <string_view>
#include <vector>

#include "topology/layout.h"

namespace mmscale::topology {

enum class Per { machine, package, node };

// So many cores, whole ones: what runs on a sibling disturbs as much.
struct Leave {
  unsigned cores = 0;
  Per per = Per::machine;
};

// "1", "2/package", "1/node", "0". Throws std::invalid_argument.
Leave parse_leave(std::string_view text);

// What is left where nobody says: a core on machines where more than this many PUs may be used, of more than one core.
// Smaller ones it would cost a size that is measured.
inline constexpr unsigned kLeaveAbove = 16;
Leave default_leave(const Layout& layout);

// The PUs of the first allowed cores of the machine, or of each package or node: CPU 0 is among them as a rule, which
// keeps the time and takes interrupts that nobody has moved. Throws std::invalid_argument if none would remain.
std::vector<unsigned> to_leave(const Layout& layout, const Leave& leave);

// Keeps the calling thread, and all that it will start and not pin, on these PUs. Where that is refused it stays where
// it is: nothing is measured on it.
void stay_on(const std::vector<unsigned>& pus);

}  // namespace mmscale::topology
