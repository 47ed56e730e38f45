// SPDX-License-Identifier: MIT
//
// What every scheme includes.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "kernel/ops.h"
#include "scheme/facts.h"

namespace mmscale::scheme {

// A scheme speaks the kernel's language.
using namespace kernel;

}  // namespace mmscale::scheme
