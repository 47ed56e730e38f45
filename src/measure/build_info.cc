// SPDX-License-Identifier: MIT
#include "measure/build_info.h"

#include <string_view>

#include "revision.h"

// src/CMakeLists.txt defines these for this file alone.
#if !defined(MMSCALE_BUILD_TYPE) || !defined(MMSCALE_CXX_FLAGS) || !defined(MMSCALE_SANITIZER)
#error "the build must define MMSCALE_BUILD_TYPE, MMSCALE_CXX_FLAGS and MMSCALE_SANITIZER"
#endif

namespace mmscale::measure {
namespace {

constexpr std::string_view kCompiler =
#if defined(__clang__)
    "clang " __VERSION__;
#elif defined(__GNUC__)
    "gcc " __VERSION__;
#else
    "unknown";
#endif

#if defined(__OPTIMIZE__)
constexpr bool kOptimised = true;
#else
constexpr bool kOptimised = false;
#endif

// Those who sanitize through plain compiler flags, past the build's own switch, are caught as well.
std::string sanitizer_of(std::string_view by_switch, std::string_view flags) {
  if (!by_switch.empty()) return std::string{by_switch};
  constexpr std::string_view kFlag = "-fsanitize=";
  const auto at = flags.find(kFlag);
  if (at == std::string_view::npos) return {};
  const auto value = flags.substr(at + kFlag.size());
  return std::string{value.substr(0, value.find(' '))};
}

}  // namespace

BuildInfo this_build() {
  constexpr std::string_view kBuildType = MMSCALE_BUILD_TYPE;
  return {
      .version = MMSCALE_VERSION,
      .revision = MMSCALE_REVISION,
      .compiler = std::string{kCompiler},
      .flags = MMSCALE_CXX_FLAGS,
      .build_type = std::string{kBuildType.empty() ? "none" : kBuildType},
      .sanitizer = sanitizer_of(MMSCALE_SANITIZER, MMSCALE_CXX_FLAGS),
      .optimised = kOptimised,
  };
}

}  // namespace mmscale::measure
