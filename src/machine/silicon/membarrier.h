// SPDX-License-Identifier: MIT
//
// Whether membarrier(2) does what it says.
#pragma once

#include <string>

namespace mmscale::machine::silicon {

int membarrier(int command, unsigned flags = 0, int cpu_id = 0);

// Registers this process for PRIVATE_EXPEDITED. Empty if the command works here, else why not, in words: refused by a
// seccomp profile, not in this kernel, or answered with 0 and nothing else, as user-space kernels do (gVisor). The last
// is found by sending some to a thread that watches its counter for the gap that an interrupt leaves; where this process
// may use one CPU alone there is nobody to interrupt, and nothing to find out. Takes a millisecond, once.
const std::string& no_membarrier();

}  // namespace mmscale::machine::silicon
