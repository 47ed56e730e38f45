// SPDX-License-Identifier: MIT
#include "workload/silicon_loads.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "scheme/catalogue.h"
#include "workload/silicon_load_under.h"

namespace mmscale::workload {
namespace {

template <bool kChecking>
std::unique_ptr<Load> make(const SiliconSpec& spec, Program program) {
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

}  // namespace

bool is_built(std::string_view scheme, std::string_view lifecycle, const kernel::Options& options) {
  bool known = false;
  bool built = false;
  scheme::Catalogue::for_each([&]<class Scheme> {
    kernel::lifecycle::Catalogue::for_each([&]<class Lifecycle> {
      if (Scheme::kInfo.name != scheme || Lifecycle::kName != lifecycle) return;
      known = true;
      with_built_options<Scheme, Lifecycle>(
          [&]<kernel::Options kOptions> { built = built || kOptions == options; });
    });
  });
  return built || !known;
}

std::unique_ptr<Load> make_silicon_load(const SiliconSpec& spec, Program program) {
#if defined(MMSCALE_ALWAYS_CHECKING)
  return make<true>(spec, std::move(program));
#else
  return make<false>(spec, std::move(program));
#endif
}

std::unique_ptr<Load> make_checked_silicon_load(const SiliconSpec& spec, Program program) {
  return make<true>(spec, std::move(program));
}

}  // namespace mmscale::workload
