// SPDX-License-Identifier: MIT
//
// From the names in a spec to the build that was instantiated for them. A template for the two files that
// make loads: those that measure (silicon_loads.cc, teardown_load.cc) and those under the oracle
// (checked_loads.cc), which are apart so that the command does not carry what only tests run.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <utility>

#include "kernel/lifecycle/catalogue.h"
#include "workload/silicon_load_under.h"
#include "workload/teardown_under.h"

namespace mmscale::workload {

template <bool kChecking>
std::unique_ptr<Load> make_silicon_by_name(const SiliconSpec& spec, Program program) {
  if (!is_built(spec.scheme, spec.lifecycle, spec.options))
    throw std::invalid_argument(fmt::format("scheme '{}' is not built with mm_cid {}, rq_lock {} under '{}'",
                                            spec.scheme, to_string(spec.options.mm_cid), spec.options.rq_lock,
                                            spec.lifecycle));
  std::unique_ptr<Load> load;
  kernel::lifecycle::Catalogue::for_each([&]<class Lifecycle> {
    if (Lifecycle::kName == spec.lifecycle)
      load = make_silicon_load_under<Lifecycle, kChecking>(spec, std::move(program));
  });
  if (!load)
    throw std::invalid_argument(
        fmt::format("no scheme '{}' under lifecycle '{}'", spec.scheme, spec.lifecycle));
  return load;
}

template <bool kChecking>
std::unique_ptr<Load> make_teardown_by_name(const SiliconSpec& silicon, const TeardownSpec& spec,
                                            TeardownObserver* observer) {
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

}  // namespace mmscale::workload
