// SPDX-License-Identifier: MIT
//
// Included first by a source that runs the emulated kernel on fibers: there each access costs the host far
// more than a call, so that to inline the kernel gains nothing, and takes two to four times as long to
// compile.
#pragma once

#include "machine/machine.h"

#undef MMSCALE_INLINE
#define MMSCALE_INLINE inline
