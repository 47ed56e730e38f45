// SPDX-License-Identifier: MIT
#pragma once

namespace mmscale::cli {

// The `mmscale` command, as main. Exit statuses: 0 done; 1 an error, in one line on standard error; 2 a command line
// that cannot be understood; 3 measured, but some case has no valid window; 130 interrupted.
int run_program(int argc, char** argv);

}  // namespace mmscale::cli
