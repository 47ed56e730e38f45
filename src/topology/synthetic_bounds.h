// SPDX-License-Identifier: MIT
// How large a machine in hwloc's synthetic notation would be, before hwloc makes it: that takes time with the square of
// the children of one object, and memory for the largest number that a PU is given.
#pragma once

#include <string>
#include <string_view>

namespace mmscale::topology {

// As many as Linux has at most on x86 (CONFIG_NR_CPUS).
inline constexpr unsigned kMostPus = 8192;
// Children of one object; POWER10 has 240 hardware threads in a package.
inline constexpr unsigned kMostChildren = 1024;
// The largest number of a PU or a node that the operating system may give.
inline constexpr unsigned kMostOsIndex = 65535;

// Why a description is of no machine that is made here, in words; empty if it is.
std::string synthetic_excess(std::string_view description);

}  // namespace mmscale::topology
