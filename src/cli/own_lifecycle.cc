// SPDX-License-Identifier: MIT
#include "cli/own_lifecycle.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <utility>

#include "measure/kernel_config.h"

namespace mmscale::cli {
namespace {

utsname this_kernel() {
  utsname name{};
  uname(&name);
  return name;
}

}  // namespace

std::string_view lifecycle_of_kernel(std::string_view machine, std::string_view release) {
  const auto version = measure::major_minor(release);
  if (!version) return {};
  const auto since = [&](unsigned major, unsigned minor) { return *version >= std::pair(major, minor); };
  if (machine == "x86_64" || machine == "i686")
    return since(6, 16) ? "x86-2025" : since(6, 14) ? "x86-2024" : since(4, 14) ? "x86-2017" : "";
  if (machine == "aarch64") return since(6, 19) ? "arm64-2025" : "arm64";
  if (machine == "ppc64" || machine == "ppc64le") return "powerpc";
  if (machine == "s390x") return "s390";
  if (machine == "riscv64") return since(6, 3) ? "riscv" : "";
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
