// SPDX-License-Identifier: MIT
//
// All schemes and all lifecycles for one Machine: for the one source that instantiates them.
#pragma once

#include <fmt/format.h>

#include <stdexcept>

#include "kernel/lifecycle/catalogue.h"
#include "scheme/catalogue.h"
#include "workload/build_by_name.h"

namespace mmscale::workload {

template <class M>
kernel::Build<M> build_by_name(std::string_view scheme, std::string_view lifecycle, kernel::Options options) {
  const kernel::SchemeOps<M>* scheme_ops = nullptr;
  scheme::Catalogue::for_each([&]<class Scheme> {
    if (Scheme::kInfo.name == scheme) scheme_ops = &kernel::kSchemeOps<Scheme, M>;
  });
  const kernel::LifecycleOps<M>* lifecycle_ops = nullptr;
  kernel::lifecycle::Catalogue::for_each([&]<class Lifecycle> {
    if (Lifecycle::kName == lifecycle) lifecycle_ops = &kernel::kLifecycleOps<Lifecycle, M>;
  });
  if (scheme_ops == nullptr || lifecycle_ops == nullptr)
    throw std::invalid_argument(fmt::format("no scheme '{}' under lifecycle '{}'", scheme, lifecycle));
  return {*scheme_ops, *lifecycle_ops, options};
}

}  // namespace mmscale::workload
