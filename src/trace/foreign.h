// SPDX-License-Identifier: MIT
//
// Files that are no trace that can be read: what they are, and what to run instead, in one line.
#pragma once

#include <string>
#include <string_view>

namespace mmscale::trace {

// By a file's first bytes; empty if they say nothing.
std::string foreign_bytes(std::string_view head);
// By a line that no reader of text knows; empty if it says nothing.
std::string foreign_line(std::string_view line);

}  // namespace mmscale::trace
