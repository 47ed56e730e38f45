// SPDX-License-Identifier: MIT
#include "workload/checked_loads.h"

#include <utility>

#include "machine/silicon/silicon.h"
#include "workload/every_build.h"
#include "workload/silicon_load.h"
#include "workload/teardown_watch.h"

namespace mmscale::workload {

using Machine = machine::silicon::Silicon<true>;

#if !defined(MMSCALE_ALWAYS_CHECKING)
template kernel::Build<Machine> build_by_name(std::string_view, std::string_view, kernel::Options);
#endif

std::unique_ptr<Load> make_checked_silicon_load(const SiliconSpec& spec, Program program) {
  const auto build = build_by_name<Machine>(spec.scheme, spec.lifecycle, spec.options);
  return std::make_unique<SiliconLoad<Machine>>(build, spec, std::move(program));
}

std::unique_ptr<Load> make_checked_teardown_load(const SiliconSpec& silicon, const TeardownSpec& spec,
                                                 TeardownObserver* observer) {
  const auto build = build_by_name<Machine>(silicon.scheme, silicon.lifecycle, silicon.options);
  return std::make_unique<TeardownLoad<Machine>>(build, silicon, spec, observer);
}

}  // namespace mmscale::workload
