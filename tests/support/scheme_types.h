// SPDX-License-Identifier: MIT
//
// The scheme catalogue as a list of types for typed tests: a scheme that is added to it is tested.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "scheme/catalogue.h"

namespace mmscale::test {

template <class List>
struct TypesOf;
template <class... Schemes>
struct TypesOf<scheme::SchemeList<Schemes...>> {
  using type = testing::Types<Schemes...>;
};

using SchemeTypes = TypesOf<scheme::Catalogue>::type;

// "refcount-packed" as part of a test's name.
inline std::string test_name(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

struct SchemeName {
  template <class Scheme>
  static std::string GetName(int) {
    return test_name(Scheme::kInfo.name);
  }
};

}  // namespace mmscale::test
