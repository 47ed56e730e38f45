// SPDX-License-Identifier: MIT
#include "machine/plain_inline.h"
#include "machine/simulator/simulator.h"
#include "workload/every_build.h"

template mmscale::kernel::Build<mmscale::machine::simulator::Simulator<false>>
    mmscale::workload::build_by_name(std::string_view, std::string_view, kernel::Options);
