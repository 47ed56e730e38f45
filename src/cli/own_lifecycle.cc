// SPDX-License-Identifier: MIT
#include "cli/own_lifecycle.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <charconv>

namespace mmscale::cli {
namespace {

// "6.18.44-fc" is 6018; 0 if it does not begin with two numbers.
unsigned version_of(std::string_view release) {
  unsigned major = 0;
  unsigned minor = 0;
  const char* const end = release.data() + release.size();
  const auto [dot, bad] = std::from_chars(release.data(), end, major);
  if (bad != std::errc{} || dot == end || *dot != '.') return 0;
  if (std::from_chars(dot + 1, end, minor).ec != std::errc{} || minor >= 1000) return 0;
  return major * 1000 + minor;
}

utsname this_kernel() {
  utsname name{};
  uname(&name);
  return name;
}

}  // namespace

std::string_view lifecycle_of_kernel(std::string_view machine, std::string_view release) {
  const unsigned version = version_of(release);
  if (version == 0) return {};
  if (machine == "x86_64" || machine == "i686")
    return version >= 6016 ? "x86-2025" : version >= 6014 ? "x86-2024" : version >= 4014 ? "x86-2017" : "";
  if (machine == "aarch64") return version >= 6019 ? "arm64-2025" : "arm64";
  if (machine == "ppc64" || machine == "ppc64le") return "powerpc";
  if (machine == "s390x") return "s390";
  if (machine == "riscv64") return version >= 6003 ? "riscv" : "";
  if (machine == "loongarch64") return "loongarch";
  return {};
}

ChosenLifecycle default_lifecycle(std::string_view machine, std::string_view release,
                                  std::string_view whose) {
  const std::string_view own = lifecycle_of_kernel(machine, release);
  if (own.empty())
    return {"powerpc", fmt::format("no lifecycle is that of Linux {} on {}", release, machine)};
  return {std::string(own), fmt::format("that of {}, Linux {} on {}", whose, release, machine)};
}

ChosenLifecycle default_lifecycle() {
  const utsname name = this_kernel();
  return default_lifecycle(name.machine, name.release, "this kernel");
}

std::string own_lifecycle() {
  const utsname name = this_kernel();
  return std::string(lifecycle_of_kernel(name.machine, name.release));
}

std::string_view lifecycle_of_kind(std::string_view kind) {
  return kind == "x86" ? "x86-2024" : kind == "arm" ? "arm64" : "powerpc";
}

std::string_view kind_of_lifecycle(std::string_view lifecycle) {
  return lifecycle.starts_with("x86") ? "x86" : lifecycle.starts_with("arm64") ? "arm" : "power";
}

}  // namespace mmscale::cli
