// SPDX-License-Identifier: MIT
#include "workload/teardown_load.h"

#include "machine/silicon/silicon.h"
#include "workload/always_checking.h"
#include "workload/build_by_name.h"
#include "workload/teardown_system.h"

namespace mmscale::workload {

using Machine = machine::silicon::Silicon<kAlwaysChecking>;

std::unique_ptr<Load> make_teardown_load(const SiliconSpec& silicon, const TeardownSpec& spec,
                                         TeardownObserver* observer) {
  const auto build = build_by_name<Machine>(silicon.scheme, silicon.lifecycle, silicon.options);
  return std::make_unique<TeardownSystem<Machine>>(build, silicon, spec, observer);
}

std::size_t mm_slot_bytes(const SiliconSpec& silicon, unsigned cpus) {
  return kernel::Mm<Machine>::bytes(cpus, build_by_name<Machine>(silicon.scheme, silicon.lifecycle));
}

}  // namespace mmscale::workload
