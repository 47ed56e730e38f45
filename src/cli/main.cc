// SPDX-License-Identifier: MIT
#include "cli/program.h"

int main(int argc, char** argv) { return mmscale::cli::run_program(argc, argv); }
