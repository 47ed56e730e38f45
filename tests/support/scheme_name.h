// SPDX-License-Identifier: MIT
//
// Names of schemes as names of tests.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace mmscale::test {

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
