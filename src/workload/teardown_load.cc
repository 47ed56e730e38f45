// SPDX-License-Identifier: MIT
#include "workload/teardown_load.h"

#include <fmt/format.h>

#include <stdexcept>

#include "kernel/lifecycle/catalogue.h"
#include "machine/silicon/silicon.h"
#include "scheme/catalogue.h"
#include "workload/teardown_under.h"

namespace mmscale::workload {
namespace {

template <bool kChecking>
std::unique_ptr<Load> make(const SiliconSpec& silicon, const TeardownSpec& spec, TeardownObserver* observer) {
  if (silicon.options != kernel::Options{})
    throw std::invalid_argument(
        "teardown is built without mm_cid and rq_lock: it makes too few switches to show them");
  std::unique_ptr<Load> load;
  kernel::lifecycle::Catalogue::for_each([&]<class Lifecycle> {
    if (Lifecycle::kName == silicon.lifecycle)
      load = make_teardown_under<Lifecycle, kChecking>(silicon, spec, observer);
  });
  if (!load)
    throw std::invalid_argument(
        fmt::format("no scheme '{}' under lifecycle '{}'", silicon.scheme, silicon.lifecycle));
  return load;
}

}  // namespace

std::unique_ptr<Load> make_teardown_load(const SiliconSpec& silicon, const TeardownSpec& spec,
                                         TeardownObserver* observer) {
  return make<false>(silicon, spec, observer);
}

std::unique_ptr<Load> make_checked_teardown_load(const SiliconSpec& silicon, const TeardownSpec& spec,
                                                 TeardownObserver* observer) {
  return make<true>(silicon, spec, observer);
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
