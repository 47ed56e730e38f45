// SPDX-License-Identifier: MIT
#pragma once

namespace mmscale::cli {

// Makes standard error a stream that takes everything: what is closed, full or a pipe that nobody reads loses messages
// and stops nobody. And sees that 0, 1 and 2 are open, so that no file that is opened later becomes one of them and
// gets what was meant for a terminal. First thing in main.
void make_messages_losable();

// Whether nothing is to be said on standard error, from now on: --quiet.
bool& quiet();

}  // namespace mmscale::cli
