// SPDX-License-Identifier: MIT
//
// The definition behind hot_loops.h. Schemes that switch by the same functions share a loop, the first's in the
// catalogue; so do lifecycles.
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>

#include "kernel/lifecycle/catalogue.h"
#include "scheme/catalogue.h"
#include "workload/hot_loops.h"

namespace mmscale::workload {

template <std::size_t kSize>
constexpr std::size_t first_true(const std::array<bool, kSize>& are) {
  std::size_t first = 0;
  while (!are[first]) ++first;
  return first;
}

// The first of the list that switches like T.
template <class T, class List>
struct FirstAlike;
template <class T, class... All>
struct FirstAlike<T, scheme::SchemeList<All...>> {
  using type = std::tuple_element_t<first_true(std::array{kernel::kSchemesSwitchAlike<All, T, Measured>...}),
                                    std::tuple<All...>>;
};
template <class T, class... All>
struct FirstAlike<T, kernel::lifecycle::LifecycleList<All...>> {
  using type =
      std::tuple_element_t<first_true(std::array{kernel::kLifecyclesSwitchAlike<All, T, Measured>...}),
                           std::tuple<All...>>;
};

template <class Lifecycle>
Loop<Measured> hot_loop_under(std::string_view scheme, bool default_options) {
  using First = typename FirstAlike<Lifecycle, kernel::lifecycle::Catalogue>::type;
  if constexpr (!std::is_same_v<First, Lifecycle>) {
    return hot_loop_under<First>(scheme, default_options);
  } else {
    Loop<Measured> loop = nullptr;
    scheme::Catalogue::for_each([&]<class S> {
      using Scheme = typename FirstAlike<S, scheme::Catalogue>::type;
      if (S::kInfo.name == scheme)
        loop = default_options ? &run_steps<kernel::Inlined<Scheme, Lifecycle, true>, Measured>
                               : &run_steps<kernel::Inlined<Scheme, Lifecycle, false>, Measured>;
    });
    return loop;
  }
}

}  // namespace mmscale::workload
