// SPDX-License-Identifier: MIT
//
// The engine on real CPUs, as a Load: with and without the oracle, and for tests with schemes of their own.
#pragma once

#include <utility>

#include "workload/engine_load.h"
#include "workload/silicon_loads.h"
#include "workload/silicon_world.h"

namespace mmscale::workload {

template <class Machine>
class SiliconLoad final : public EngineLoad<Machine, SiliconWorld<Machine>> {
 public:
  // Names in `spec` say nothing here.
  SiliconLoad(const kernel::Build<Machine>& build, const SiliconSpec& spec, Program program,
              Loop<Machine> loop = run_steps<kernel::ByTable, Machine>, Watch<Machine>* watch = nullptr)
      : SiliconLoad::EngineLoad(build, std::move(program), spec.rules, loop, watch, spec.home_node,
                                spec.transport) {}
};

}  // namespace mmscale::workload
