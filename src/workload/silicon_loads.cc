// SPDX-License-Identifier: MIT
#include "workload/silicon_loads.h"

#include <utility>

#include "kernel/lifecycle/catalogue.h"
#include "workload/every_build.h"
#include "workload/hot_loops.h"
#include "workload/silicon_load.h"

namespace mmscale::workload {
namespace {

using Machine = machine::silicon::Silicon<kAlwaysChecking>;

// Where nothing is measured the loop goes through the tables, as everywhere else.
Loop<Machine> loop_for([[maybe_unused]] const SiliconSpec& spec) {
#if defined(MMSCALE_HOT_LOOPS)
  Loop<Machine> loop = nullptr;
  kernel::lifecycle::Catalogue::for_each([&]<class Lifecycle> {
    if (Lifecycle::kName == spec.lifecycle)
      loop = hot_loop_under<Lifecycle>(spec.scheme, spec.options == kernel::Options{});
  });
  return loop;
#else
  return run_steps<kernel::ByTable, Machine>;
#endif
}

}  // namespace

template kernel::Build<Machine> build_by_name(std::string_view, std::string_view, kernel::Options);

std::unique_ptr<Load> make_silicon_load(const SiliconSpec& spec, Program program) {
  const auto build = build_by_name<Machine>(spec.scheme, spec.lifecycle, spec.options);
  return std::make_unique<SiliconLoad<Machine>>(build, spec, std::move(program), loop_for(spec));
}

}  // namespace mmscale::workload

#if defined(MMSCALE_HOT_LOOPS)
template bool mmscale::workload::run_rare_step(Engine<Measured>&, Measured&, const BoundStep<Measured>&);
#endif
