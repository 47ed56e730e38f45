// SPDX-License-Identifier: MIT
#include "workload/teardown_load.h"

#include "kernel/lifecycle/catalogue.h"
#include "machine/silicon/silicon.h"
#include "scheme/catalogue.h"
#include "workload/always_checking.h"
#include "workload/make_by_name.h"

namespace mmscale::workload {
std::unique_ptr<Load> make_teardown_load(const SiliconSpec& silicon, const TeardownSpec& spec,
                                         TeardownObserver* observer) {
  return make_teardown_by_name<kAlwaysChecking>(silicon, spec, observer);
}

std::size_t mm_slot_bytes(const SiliconSpec& silicon, unsigned cpus) {
  std::size_t bytes = 0;
  kernel::lifecycle::Catalogue::for_each([&]<class Lifecycle> {
    if (Lifecycle::kName != silicon.lifecycle) return;
    scheme::Catalogue::for_each([&]<class Scheme> {
      using Machine = machine::silicon::Silicon<false>;
      if (Scheme::kInfo.name == silicon.scheme)
        bytes = kernel::Mm<kernel::Build<Machine, Scheme, Lifecycle>>::bytes(cpus);
    });
  });
  return bytes;
}

}  // namespace mmscale::workload
