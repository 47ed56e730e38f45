// SPDX-License-Identifier: MIT
#include "workload/silicon_loads.h"

#include <utility>

#include "scheme/catalogue.h"
#include "workload/always_checking.h"
#include "workload/make_by_name.h"

namespace mmscale::workload {
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
  return make_silicon_by_name<kAlwaysChecking>(spec, std::move(program));
}

}  // namespace mmscale::workload
