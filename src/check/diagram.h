// SPDX-License-Identifier: MIT
//
// A violation as a picture: a sequence diagram in SVG, one lifeline for each CPU, time running downwards.
#pragma once

#include <string>
#include <string_view>

#include "check/check.h"

namespace mmscale::check {

// `title` goes above it. The numbers of the steps are those that explain() prints.
std::string to_svg(const Trace& trace, std::string_view title);

}  // namespace mmscale::check
